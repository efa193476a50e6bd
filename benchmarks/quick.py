"""A benchmark of 20 seconds, darkpy and NumPy only: GoogLeNet's layers, and gemm at their sizes.

``python benchmarks/quick.py [--threads N]``

The first table has the times of GoogLeNet's most expensive layers for one photo. The second is
about the matrix product to which im2col turns a layer, for the largest layer of each kernel size
and plane. NumPy's matmul and darkpy's gemm_cpu compute only the product, each in a separate
process; the last column is the whole layer in darkpy, with bias and activation, as the network runs
it.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import numpy as np

import darkpy
from darkpy.network.profile import CallTime
from harness.machine import machine_line
from harness.report import table
from harness.rounds import Entry, Result, measure

#: Rows of the first table.
ROWS = 12


def layer_calls() -> list[CallTime]:
    """Times of every call of a GoogLeNet prediction of one image."""
    net = darkpy.load("googlenet")
    x = np.random.default_rng(0).random((1, 3, 224, 224), np.float32)
    return net.profile(x, repeat=15)


def layer_report(calls: list[CallTime]) -> str:
    """The most expensive calls, and the sum of all."""
    total = sum(call.seconds for call in calls)
    flops = sum(call.flops for call in calls)
    rows = []
    for call in sorted(calls, key=lambda call: -call.seconds)[:ROWS]:
        layer = call.layer
        rows.append(
            [
                f"{layer.index} {layer.kind}" if layer else "input to channels last",
                layer.describe() if layer else "",
                str(layer.output_shape) if layer else "",
                call.algorithm,
                f"{call.seconds * 1e3:.3f}",
                f"{call.flops / call.seconds * 1e-9:.0f}" if call.flops else "",
            ]
        )
    rows.append(
        [f"all {len(calls)} calls", "", "", "", f"{total * 1e3:.3f}", f"{flops / total * 1e-9:.0f}"]
    )
    return table(["layer", "", "output", "algorithm", "ms", "GFLOP/s"], rows)


def products(calls: list[CallTime]) -> dict[tuple[int, int, int], CallTime]:
    """(M, N, K) of the largest layer of each kernel size and plane, leaving 5x5 out."""
    largest: dict[tuple[int, int], CallTime] = {}
    for call in calls:
        layer = call.layer
        if layer is None or layer.kind != "convolutional" or layer.values.size == 5:
            continue
        key = (layer.output_shape.height, layer.values.size)
        if key not in largest or largest[key].flops < call.flops:
            largest[key] = call
    found = {}
    for call in largest.values():
        assert call.layer is not None
        shape, weights = call.layer.output_shape, call.layer.weights
        sizes = (shape.channels, shape.height * shape.width, weights.size // len(weights))
        found[sizes] = call
    return found


def gemm_report(calls: list[CallTime], threads: int) -> str:
    """NumPy, gemm_cpu and the layer itself, in GFLOP/s."""
    rows = []
    for shape, call in products(calls).items():
        task: dict[str, Any] = {"module": "gemm", "threads": threads, "shape": shape}
        entries = [Entry(job, task | {"job": job}) for job in ("NumPy", "Darkpy")]
        numpy, gemm = measure(entries, rounds=3, seconds=0.1, quiet=True)
        rows.append(_row(shape, numpy, gemm, call))
    header = ["layer", "M x N x K", "NumPy matmul", "gemm_cpu", "gemm_cpu is", "the whole layer"]
    return table(header, rows)


def _row(shape: tuple[int, int, int], numpy: Result, gemm: Result, call: CallTime) -> list[str]:
    assert call.layer is not None
    flops = 2e-9 * np.prod(shape)
    return [
        f"{call.layer.index} {call.layer.describe()}",
        " x ".join(map(str, shape)),
        f"{flops / numpy.best:.0f}",
        f"{flops / gemm.best:.0f}",
        f"{numpy.best / gemm.best:.2f} x",
        f"{flops / call.seconds:.0f}",
    ]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, default=cores, metavar="N")
    threads = parser.parse_args().threads
    darkpy.set_num_threads(threads)
    print(f"{machine_line()}, {threads} threads\n")
    calls = layer_calls()
    print(f"GoogLeNet, one photo: the {ROWS} most expensive calls\n\n{layer_report(calls)}\n")
    print(f"Products of GoogLeNet's layers, GFLOP/s\n\n{gemm_report(calls, threads)}")


if __name__ == "__main__":
    main()
