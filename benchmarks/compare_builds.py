"""Compare two built source trees of darkpy: the bits of their results, and their speed.

``python benchmarks/compare_builds.py OLD_TREE NEW_TREE [--bits] [--speed] [--simd avx2 ...]``

Run it when code was moved or rebuilt and no result should have changed. Each tree's extension must
be built in place; each tree runs in separate processes, through darkpy's public interface only, so
that modules may move. Without ``--bits`` and ``--speed`` both are done. The exit status is 1 if
bits differ.

Bits: packaged networks, Darknet's own (from the large test material, if that is present), the
cases of tests/golden, and random ones of tests/random_networks.py, for each instruction set of this
processor. Hashes are compared: of new parameters, of a weights file, of every layer's output and of
`predict`; and after 20 training steps, of costs, parameters, files, and, for small networks,
deltas. If they differ, the table names the first layer, in the order of the computation.

Speed: images per second of NEW as a multiple of OLD's, from times measured in turns. A third
process in the same turns, OLD again, shows the noise. Only the best instruction set is measured, or
those that are given.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from harness.build_nets import STEADY, Case, Item, cases, items
from harness.builds import SIMD, Tree, reply_of, with_net_options
from harness.machine import processor
from harness.report import table
from harness.rounds import Entry, Result, measure, measure_cold, say

Reply = Mapping[str, Mapping[str, str]]
#: Training steps whose costs are compared while speed is measured, at a rate that stays finite.
DATA_STEPS = 2
#: Groups of hashes that differ, and letters of a message, in one cell of the table.
MOST, LETTERS = 4, 80
RATE = {**STEADY, "learning_rate": 1e-5}


def arguments(command: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", metavar="OLD_TREE", type=Tree)
    parser.add_argument("new", metavar="NEW_TREE", type=Tree)
    parser.add_argument("--bits", action="store_true", help="compare hashes")
    parser.add_argument("--speed", action="store_true", help="compare times")
    parser.add_argument("--simd", nargs="+", choices=SIMD, help="instruction sets")
    parser.add_argument(
        "--nets", nargs="+", default=[], metavar="NET", help="only these: files or known names"
    )
    parser.add_argument("--random", type=int, default=12, metavar="N", help="random networks")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all hashes and times")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N",
                        help="processes at once while bits are compared")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=7, help="turns of each process")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    options = parser.parse_args(command)
    if not options.bits and not options.speed:
        options.bits = options.speed = True
    return options


# -- bits -----------------------------------------------------------------------------------------


def differences(old: Reply, new: Reply) -> list[str]:
    """Groups of hashes that differ, with the first item of each."""
    found = []
    for group in [*old, *(group for group in new if group not in old)]:
        before, after = old.get(group, {}), new.get(group, {})
        if before != after:
            keys = [*before, *(key for key in after if key not in before)]
            first = next(key for key in keys if before.get(key) != after.get(key))
            count = sum(before.get(key) != after.get(key) for key in keys)
            others = f" and {count - 1} more" if count > 1 else ""
            found.append(f"{group} ({first}{others})")
    return [*found[:MOST], *[f"and {len(found) - MOST} more groups"] * (len(found) > MOST)]


def verdict(old: Reply, new: Reply) -> str:
    """One cell of the table."""
    if "lost" in old or "lost" in new:
        words = [f"{name}: {r['lost']}" for name, r in (("old", old), ("new", new)) if "lost" in r]
        return "LOST: " + "; ".join(words)
    found = differences(old, new)
    if found:
        return "DIFFERENT: " + "; ".join(found)
    for group in ("error", "diverged", "not finite"):
        if group in old:
            return f"same, {group}: {next(iter(old[group]))[:LETTERS]}"
    return "same"


def compare_bits(
    nets: Sequence[Case], trees: Sequence[Tree], sets: Sequence[str], jobs: int
) -> Iterator[dict[str, Any]]:
    """One row per network, job and instruction set: what it is, both replies, and the verdict."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(jobs) as pool:
        waiting = []
        for simd in sets:
            for net in nets:
                tasks = net.jobs(Path(name), simd)
                replies = [pool.submit(reply_of, t, simd, [*tasks.values()]) for t in trees]
                waiting.append((simd, net.name, list(tasks), replies))
        for simd, net_name, labels, replies in waiting:
            old, new = (reply.result() for reply in replies)
            for what, before, after in zip(labels, old, new, strict=True):
                if before or after:
                    row = {"network": net_name, "what": what, "simd": simd}
                    yield row | {"result": verdict(before, after), "old": before, "new": after}


def bits_report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of the rows, and a line that counts them."""
    keys = ("network", "what", "simd", "result")
    wrong = sum(not row["result"].startswith("same") for row in rows)
    hashes = sum(len(group) for row in rows if "lost" not in row["old"]
                 for group in row["old"].values())  # fmt: skip
    header = ["network", "what", "instruction set", "result"]
    body = table(header, [[row[key] for key in keys] for row in rows])
    return f"{body}\n\n{len(rows)} comparisons of {hashes} hashes, {wrong} of them not the same"


# -- speed ----------------------------------------------------------------------------------------


def entries(item: Item, trees: Mapping[str, Tree], simd: str, folder: Path) -> list[Entry]:
    """The processes that take turns; the first tree writes the files that all of them read."""
    options: dict[str, object] = {}
    if item.job == "Training":
        options = {**RATE, "batch": item.batch, "subdivisions": 1}
    cfg = folder / f"{item.name}.cfg"
    cfg.write_text(with_net_options(item.text, options))
    job = {"kind": "files", "cfg": str(cfg), "folder": str(folder)}
    old = trees["old"]
    [reply] = reply_of(old, simd, [job | {"batch": item.batch, "steps": DATA_STEPS}])
    if reply:
        raise SystemExit(f"{item.label}: {reply}")
    task = {
        "module": "darkpy_build",
        "job": "Training" if item.job == "Training" else "Inference",
        "threads": item.threads,
        "cfg": str(cfg),
        "weights": str(folder / "net.weights"),
        "input": str(folder / "input.npy"),
        "data": str(folder / "data.npz"),
    }
    return [
        Entry(name, task | {"tree": str(tree.path)}, tree.variables(simd))
        for name, tree in trees.items()
    ]


def speed_row(item: Item, results: Sequence[Result]) -> list[str]:
    """Ratios of one item, from the times of old, new and old again."""
    for result in results:
        if not result.times:
            return [item.label, "-", *["-"] * 4, f"FAILED: {result.name}: {result.note}"]
    old, new, again = results
    answers = "not compared"
    if item.job != "Cold":
        assert old.answer is not None and new.answer is not None
        same = np.array_equal(old.answer, new.answer, equal_nan=True)
        answers = "same" if same else "DIFFERENT"
    ratios = [
        f"{pair:.3f}"
        for other in (new, again)
        for pair in (old.best / other.best, old.median / other.median)
    ]
    return [item.label, f"{old.best * 1e3:.2f}", *ratios, answers]


def compare_speed(
    runs: Sequence[Item], old: Tree, new: Tree, simd: str, rounds: int, seconds: float
) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Measure item after item: the table's row, and all times."""
    trees = {"old": old, "new": new, "old again": old}
    for item in runs:
        say(f"{item.label} ({simd})")
        with tempfile.TemporaryDirectory() as name:
            contenders = entries(item, trees, simd, Path(name))
            if item.job == "Cold":
                results = measure_cold(contenders, rounds=3 * rounds)
            else:
                results = measure(contenders, rounds=rounds, seconds=seconds, quiet=True)
        row = [item.label, simd, *speed_row(item, results)[1:]]
        yield row, {"item": item.label, "simd": simd, **{r.name: r.times for r in results}}


def instruction_sets(old: Tree, new: Tree, wanted: Sequence[str] | None) -> list[str]:
    """The sets to compare, best first; both builds must be able to run the same ones here."""
    before, after = old.instruction_sets(), new.instruction_sets()
    if before != after:
        raise SystemExit(f"DIFFERENT instruction sets: old {before}, new {after}")
    if missing := set(wanted or ()) - set(before):
        raise SystemExit(f"not here: {', '.join(sorted(missing))}; here are: {', '.join(before)}")
    return [simd for simd in before if not wanted or simd in wanted]


def main(command: Sequence[str] | None = None) -> int:
    """Compare according to the command line; return 1 if bits differ."""
    options = arguments(command)
    old, new = options.old, options.new
    sets = instruction_sets(old, new, options.simd)
    print(f"old {old.path}\nnew {new.path}\n{processor()}: {', '.join(sets)}\n", flush=True)
    record: dict[str, Any] = {"old": str(old.path), "new": str(new.path)}
    failed = False
    if options.bits:
        nets = list(cases(new, options.nets, options.random))
        record["bits"] = []
        for row in compare_bits(nets, (old, new), sets, options.jobs):
            say(f"  {row['network']}, {row['what']}, {row['simd']}: {row['result']}")
            record["bits"].append(row)
        failed = not all(row["result"].startswith("same") for row in record["bits"])
        print(bits_report(record["bits"]), end="\n\n", flush=True)
    if options.speed:
        runs = list(items(new, options.nets))
        measured = [
            pair
            for simd in (sets if options.simd else sets[:1])
            for pair in compare_speed(runs, old, new, simd, options.rounds, options.seconds)
        ]
        header = ["item", "instruction set", "old ms", "new/old (min)", "new/old (median)",
                  "old/old (min)", "old/old (median)", "answers"]  # fmt: skip
        print(table(header, [row for row, _ in measured]), flush=True)
        record["speed"] = [times for _, times in measured]
        failed |= any(row[-1].startswith(("DIFFERENT", "FAILED")) for row, _ in measured)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
