"""darkpy's training step beside PyTorch's modes and Darknet: same network, weights, data and rule.

``python benchmarks/training.py [NET ...] [--batch 16 32] [--threads 1 2] [--save]``

A step is forward, all costs (auxiliary ones with their weights), backward and the update by SGD
with momentum and decay. The learning rate is constant, dropout is off (``--dropout`` leaves it on:
the losses then differ). Darknet is found through the variable DARKNET_LIB or ``--darknet PATH``
(its libdarknet.so); it trains the network without the auxiliary heads, which it does not know.
Below each table, the time of darkpy's step is broken down; ``darkpy bench CFG --training --layers``
does so layer by layer. ``--save`` writes the tables to benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import darkpy
from contenders import TRAINING, Kind
from darkpy.cli.bench import totals_table
from harness.arguments import chosen_contenders, turns_parser
from harness.machine import machine_line, processor, version_line
from harness.material import Material
from harness.report import comparison, threads_text
from harness.results import update_section
from harness.rounds import Entry, Result, measure, say


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = turns_parser(__doc__, TRAINING, batches=(16, 32), rounds=4, seconds=3.0)
    parser.add_argument("--steps", type=int, default=3, help="steps whose losses are compared")
    parser.add_argument("--dropout", action="store_true", help="leave dropout on")
    return parser.parse_args()


def entry(
    name: str, kind: Kind, material: Material, batch: int, threads: int, library: str
) -> Entry:
    """The task of one contender."""
    task: dict[str, Any] = {
        "job": "Training",
        "module": kind.module,
        "mode": kind.mode,
        "threads": threads,
        "data": str(material.path("data.npz")),
    }
    match kind.module:
        case "darkpy_engine":
            task |= {"cfg": material.cfg(), "weights": material.weights}
        case "pytorch":
            task["description"] = material.description()
        case "darknet_library":
            cfg, weights = material.darknet(batch)
            task |= {"darknet_cfg": cfg, "darknet_weights": weights, "library": library}
            if sum(layer.has_cost for layer in material.net.layers) > 1:
                name += " (no auxiliary heads)"
    return Entry(name, task, kind.environment)


def loss_lines(results: list[Result]) -> str:
    """The first losses of all contenders, per image."""
    lines = ["First losses:", ""]
    for result in results:
        if result.answer is not None:
            lines.append(f"- {result.name}: {', '.join(f'{loss:.5f}' for loss in result.answer)}")
    return "\n".join(lines)


def breakdown(material: Material, batch: int, threads: int) -> str:
    """Milliseconds of darkpy's step by kind of call, the shortest of some runs each."""
    darkpy.set_num_threads(threads)
    data = np.load(material.path("data.npz"))
    net = darkpy.load(material.cfg(), material.weights)
    calls = net.profile(data["x"][0], data["truth"][0], repeat=5)
    heading = f"Where a step of {batch} images goes, without its update:"
    return f"{heading}\n\n```\n{totals_table(calls)}\n```"


def main() -> None:
    """Measure according to the command line."""
    options = arguments()
    kinds = chosen_contenders(options, TRAINING)
    about = f"{machine_line()}; {version_line(['torch'])}"
    print(about)
    for name in options.nets:
        for batch in options.batch:
            with tempfile.TemporaryDirectory() as folder:
                net = Material(name, None, Path(folder), spread=False)
                material = net.training(batch, options.steps, options.dropout)
                for threads in options.threads:
                    title = f"Training: {net.name}, batch {batch}, {threads_text(threads)}"
                    say(title)
                    entries = [
                        entry(n, kind, material, batch, threads, options.darknet)
                        for n, kind in kinds.items()
                    ]
                    results = measure(
                        entries, rounds=options.rounds, seconds=options.seconds, least=1
                    )
                    text = comparison(
                        results, images=batch, memory=True, answers="losses differ by"
                    )
                    step = breakdown(material, batch, threads)
                    text = f"{text}\n\n{loss_lines(results)}\n\n{step}"
                    print(f"\n{title}\n\n{text}", flush=True)
                    if options.save:
                        update_section(title, f"{text}\n\n{about}", processor())


if __name__ == "__main__":
    main()
