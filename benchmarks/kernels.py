"""darkpy's kernels beside NumPy's, PyTorch's and Darknet's, and beside what the machine can do.

``python benchmarks/kernels.py [--threads 1 2] [--only NAME ...] [--gemm] [--save]``

Memory-bound kernels: GB/s of the least traffic that the kernel needs; its share of a plain stream
with the same reads and writes in the same run (limits.c, compiled with ``cc``; normal or streaming
stores, whichever is faster); and darkpy's speed on a small array in the caches: if that is below
the stream, arithmetic is the limit, not memory. darkpy, NumPy and PyTorch write to a separate array
if they can; Darknet works in place. ``--gemm``: GFLOP/s and the share of the multiply-adds that
limits.c reaches. Darknet is found through the variable DARKNET_LIB or ``--darknet PATH`` (its
libdarknet.so).  A run lasts about four minutes for each number of threads; ``--only`` measures some
rows and, with ``--save``, leaves the others as they are.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from contenders import is_installed
from contenders.machine_limit import build
from harness.machine import machine_line, processor, version_line
from harness.report import difference, table, threads_text
from harness.results import kept_rows, update_section
from harness.rounds import Entry, Result, measure, say

#: GoogLeNet's second convolution's output at batch 20: 48 MB, beyond the caches.
SHAPE = (20, 192, 56, 56)
#: One that stays in them, large enough for a call's overhead not to count.
SMALL_SHAPE = (1, 64, 56, 56)

AIM = """Aim: 75 % of the stream, and never slower than NumPy and PyTorch ("darkpy is" at least 1).
Dropout draws a 64-bit number for two values, softmax takes an exponential and goes over its rows
three times, mish takes an exponential and a quotient, LRN two roots: on one thread "in cache" shows
how far arithmetic alone lets them go, and two threads come closer to memory.  Darknet works in
place, which spares it an array, and is not counted in "darkpy is".  What is only read stays in a
large third-level cache in part: such kernels are measured on a larger array, too."""
GEMM_AIM = """Aim: 88 % of the peak with 1 thread and 85 % with more at 1024^3 and 2048^3, and never
slower than NumPy."""

#: What each kernel must read and write: passes of (arrays read, arrays written, share of an array).
CASES: dict[str, list[tuple[int, int, float]]] = {
    "fill_cpu": [(0, 1, 1)],
    "copy_cpu": [(1, 1, 1)],
    "scal_cpu": [(1, 1, 1)],
    "axpy_cpu": [(2, 1, 1)],
    "mul_cpu": [(2, 1, 1)],
    "dot_cpu": [(1, 0, 1)],
    "mean_cpu": [(1, 0, 1)],
    "variance_cpu": [(1, 0, 1)],
    "normalize_cpu": [(1, 1, 1)],
    "add_bias": [(1, 1, 1)],
    "scale_bias": [(1, 1, 1)],
    "backward_bias": [(1, 0, 1)],
    "backward_scale_cpu": [(2, 0, 1)],
    "mean_delta_cpu": [(1, 0, 1)],
    "variance_delta_cpu": [(2, 0, 1)],
    "normalize_delta_cpu": [(2, 1, 1)],
    "batchnorm_forward": [(1, 0, 1), (1, 1, 1)],
    "batchnorm_backward": [(2, 0, 1), (2, 1, 1)],
    "activate leaky": [(1, 1, 1)],
    "activate logistic": [(1, 1, 1)],
    "activate mish": [(1, 1, 1)],
    "gradient leaky": [(2, 1, 1)],
    "l2_cpu": [(2, 2, 1)],
    "smooth_l1_cpu": [(2, 2, 1)],
    "shortcut_cpu": [(2, 1, 1)],
    "maxpool 2x2/2": [(1, 0, 1), (0, 1, 0.5)],
    "avgpool": [(1, 0, 1)],
    "upsample_cpu": [(1, 0, 0.25), (0, 1, 1)],
    "lrn_forward": [(1, 1, 1)],
    "softmax_cpu": [(1, 1, 1)],
    "dropout": [(1, 1, 1)],
    "im2col_cpu 3x3": [(1, 0, 2 / 20), (0, 1, 18 / 20)],
}

#: M, N, K: GoogLeNet's layers as products, and two large squares.
PRODUCTS = {
    "1024^3": (1024, 1024, 1024),
    "2048^3": (2048, 2048, 2048),
    "conv1 7x7/2": (64, 12544, 147),
    "conv2 3x3": (192, 3136, 576),
    "3a 3x3": (128, 784, 864),
    "4a 3x3": (208, 196, 864),
    "4e 1x1": (256, 196, 528),
    "5b 3x3": (384, 49, 1728),
    "5b 1x1": (384, 49, 832),
}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[*CASES, *PRODUCTS])
    parser.add_argument("--shape", type=int, nargs=4, default=SHAPE, metavar=("N", "C", "H", "W"))
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    parser.add_argument("--seconds", type=float, default=0.12, help="length of a turn")
    parser.add_argument("--gemm", action="store_true", help="matrix products instead")
    parser.add_argument("--darknet", default=os.environ.get("DARKNET_LIB", ""), metavar="PATH")
    parser.add_argument("--save", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    options.only = options.only or list(PRODUCTS if options.gemm else CASES)
    if not set(options.only) <= set(PRODUCTS if options.gemm else CASES):
        parser.error("--only: products with --gemm, kernels without")
    return options


def libraries(options: argparse.Namespace) -> dict[str, str]:
    """Name -> module of the contenders that are here."""
    found = {"darkpy": "kernels_darkpy", "NumPy": "kernels_numpy"}
    if is_installed("torch"):
        found["PyTorch"] = "kernels_torch"
    if options.darknet:
        found["Darknet"] = "kernels_darknet"
    return found


def kernel_row(
    case: str, options: argparse.Namespace, threads: int, limits: str | None
) -> list[str]:
    """Measure one kernel in all libraries."""
    shape = list(options.shape)
    count = int(np.prod(shape))
    task: dict[str, Any] = {"threads": threads, "shape": shape, "case": case}
    task |= {"job": "Kernel", "library": options.darknet}
    found = libraries(options)
    entries = [Entry(name, task | {"module": module}) for name, module in found.items()]
    small = task | {"module": found["darkpy"], "shape": list(SMALL_SHAPE)}
    entries.append(Entry("in cache", small))
    for mode in ("normal", "streaming") if limits else ():
        stream = {"module": "machine_limit", "job": "Stream", "mode": mode, "library": limits}
        entries.append(Entry(mode, task | stream | {"passes": CASES[case], "count": count}))
    results = measure(entries, rounds=options.rounds, seconds=options.seconds, quiet=True)
    by_name = {result.name: result for result in results}
    size = 4 * count * sum((reads + writes) * share for reads, writes, share in CASES[case])
    share = float(np.prod(SMALL_SHAPE)) / count
    best = min((by_name[m].best for m in ("normal", "streaming") if m in by_name), default=0.0)
    ours = by_name["darkpy"]
    others = [by_name[name] for name in found if name != "darkpy"]
    apart = [other for other in others if other.name != "Darknet"]
    fastest = min((other.best for other in apart), default=float("inf"))
    return [
        case,
        _rate(size, ours),
        f"{best / ours.best * 100:.0f} %" if best else "",
        f"{size / best * 1e-9:.1f}" if best else "",
        "" if case.startswith("im2col") else _rate(size * share, by_name["in cache"]),
        *(_rate(size, other) for other in others),
        f"{fastest / ours.best:.2f} x" if np.isfinite(fastest) else "",
        "" if case == "dropout" else _furthest(ours, others),
    ]


def _rate(size: float, result: Result) -> str:
    return f"{size / result.best * 1e-9:.1f}" if result.times else "-"


def _furthest(ours: Result, others: list[Result]) -> str:
    """Largest difference to NumPy and PyTorch; Darknet's results are overwritten in place.

    Dropout has none: each library draws different numbers.
    """
    compared = [other for other in others if other.name != "Darknet" and other.answer is not None]
    values = [away for other in compared if (away := difference(other, ours)) is not None]
    return f"{max(values):.1e}" if values else ""


Table = tuple[list[str], list[list[str]]]


def kernel_table(options: argparse.Namespace, threads: int, limits: str | None) -> Table:
    """Header and rows of all chosen kernels."""
    rows = []
    for case in options.only:
        say(" ", case)
        rows.append(kernel_row(case, options, threads, limits))
    names = [name for name in libraries(options) if name != "darkpy"]
    header = [
        "GB/s",
        "darkpy",
        "of the stream",
        "stream",
        "in cache",
        *names,
        "darkpy is",
        "difference",
    ]
    return header, rows


def gemm_table(options: argparse.Namespace, threads: int, limits: str | None) -> Table:
    """Header and rows of products by darkpy, NumPy, PyTorch, and the peak."""
    jobs = {"darkpy": "Darkpy", "NumPy": "NumPy"}
    jobs |= {"PyTorch": "PyTorch"} if is_installed("torch") else {}
    jobs |= {"Darknet": "Darknet"} if options.darknet else {}
    rows = []
    for name in options.only:
        shape = PRODUCTS[name]
        say(" ", name)
        task: dict[str, Any] = {"module": "gemm", "threads": threads, "shape": shape}
        task["library"] = options.darknet
        entries = [Entry(label, task | {"job": job}) for label, job in jobs.items()]
        if limits:
            peak = {"module": "machine_limit", "job": "MultiplyAdds", "library": limits}
            entries.append(Entry("peak", task | peak))
        results = measure(entries, rounds=options.rounds, seconds=options.seconds, quiet=True)
        flops = 2 * float(np.prod(shape))
        rates = {r.name: flops / r.best * 1e-9 for r in results}
        if limits and results[-1].answer is not None:
            rates["peak"] = float(results[-1].answer[0]) / results[-1].best * 1e-9
        fastest = max(rate for label, rate in rates.items() if label not in ("darkpy", "peak"))
        row = [name, " x ".join(map(str, shape)), *(f"{rates[label]:.0f}" for label in jobs)]
        row.append(f"{rates['darkpy'] / fastest:.2f} x")
        if limits:
            row += [f"{rates['peak']:.0f}", f"{rates['darkpy'] / rates['peak'] * 100:.0f} %"]
        rows.append(row)
    header = ["GFLOP/s", "M x N x K", *jobs, "darkpy is"]
    return header + (["peak", "darkpy of it"] if limits else []), rows


def main() -> None:
    """Measure according to the command line."""
    options = arguments()
    about = f"{machine_line()}; {version_line(['torch'])}"
    print(about)
    with tempfile.TemporaryDirectory() as folder:
        limits = build(Path(folder))
        if limits is None:
            say("no C compiler: the machine's limits are not measured")
        for threads in options.threads:
            shape = "x".join(map(str, options.shape))
            what = "gemm" if options.gemm else f"Kernels on {shape}"
            title = f"{what}, {threads_text(threads)}"
            say(title)
            made = gemm_table if options.gemm else kernel_table
            header, rows = made(options, threads, limits)
            print(f"\n{title}\n\n{table(header, rows)}", flush=True)
            if options.save:
                text = table(header, kept_rows(title, header, rows, processor()))
                aim = GEMM_AIM if options.gemm else AIM
                update_section(title, f"{text}\n\n{aim}\n\n{about}", processor())


if __name__ == "__main__":
    main()
