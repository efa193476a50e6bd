"""darkpy's inference beside every installed peer: same weights, same input, turn by turn.

``python benchmarks/inference.py [NET ...] [--batch 1 8 32] [--threads 1 2] [--cold] [--save]``

Peers are found by import; Darknet through the variable DARKNET_LIB or ``--darknet PATH`` (its
libdarknet.so).
``--save`` writes the tables to benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from contenders import INFERENCE, Kind
from harness.arguments import chosen_contenders, turns_parser
from harness.machine import machine_line, processor, version_line
from harness.material import Material
from harness.report import comparison, threads_text
from harness.results import update_section
from harness.rounds import Entry, measure, measure_cold, say

PACKAGES = (
    *("torch", "onnxruntime", "openvino", "ncnn", "opencv-python", "opencv-python-headless"),
    *("onnx", "pnnx"),
)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = turns_parser(__doc__, INFERENCE, batches=(1, 8, 32), rounds=6, seconds=0.7)
    parser.add_argument("--weights", help="a .weights file, for a single NET (default: random)")
    parser.add_argument("--memory", action="store_true", help="show each process's peak memory")
    parser.add_argument("--cold", action="store_true", help="process start to first prediction")
    return parser.parse_args()


def entry(
    name: str,
    kind: Kind,
    material: Material,
    batch: int,
    threads: int,
    library: str,
    *,
    pruned: bool = False,
) -> Entry | None:
    """The task of one contender; None if its file could not be made.

    With `pruned`, darkpy, too, reads a file with only the layers that the answer depends on.
    """
    task: dict[str, Any] = {
        "job": "Inference",
        "module": kind.module,
        "mode": kind.mode,
        "threads": threads,
        "input": material.input(batch),
    }
    match kind.module:
        case "darkpy_engine":
            files = material.darknet(batch) if pruned else (material.cfg(), material.weights)
            task |= {"cfg": files[0], "weights": files[1]}
        case "pytorch":
            task["description"] = material.description()
        case "darknet_library":
            cfg, weights = material.darknet(batch)
            task |= {"darknet_cfg": cfg, "darknet_weights": weights}
            task |= {"library": library, "outputs": material.net.answers[-1].output_shape.size}
        case "ncnn_net":
            task["ncnn"] = material.ncnn()
        case _:
            task["onnx"] = material.onnx(batch)
            if task["onnx"] is None:
                return None
    return Entry(name, task, kind.environment)


def main() -> None:
    """Measure according to the command line."""
    options = arguments()
    kinds = chosen_contenders(options, INFERENCE)
    about = f"{machine_line()}; {version_line(PACKAGES)}"
    print(about)
    for name in options.nets:
        with tempfile.TemporaryDirectory() as folder:
            material = Material(name, options.weights, Path(folder))
            work = material.flops() * 1e-9
            for batch in [1] if options.cold else options.batch:
                for threads in options.threads:
                    title = f"{material.name}, batch {batch}, {threads_text(threads)}"
                    title = f"{'Cold start' if options.cold else 'Inference'}: {title}"
                    say(title)
                    made = [
                        entry(
                            *(n, kind, material, batch, threads, options.darknet),
                            pruned=options.cold,
                        )
                        for n, kind in kinds.items()
                    ]
                    entries = [e for e in made if e is not None]
                    if options.cold:
                        results = measure_cold(entries, rounds=options.rounds)
                        note = (
                            "From the start of the process to the end of its first prediction;"
                            " every file holds what the answer depends on."
                        )
                    else:
                        results = measure(entries, rounds=options.rounds, seconds=options.seconds)
                        note = "Differences are relative to the outputs' range."
                    text = (
                        comparison(results, memory=True, answers="")
                        if options.cold
                        else comparison(results, images=batch, memory=options.memory)
                    )
                    print(f"\n{title} ({work:.3f} GFLOP an image)\n\n{text}", flush=True)
                    if options.save:
                        update_section(title, f"{text}\n\n{note}\n\n{about}", processor())


if __name__ == "__main__":
    main()
