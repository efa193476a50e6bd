"""Speed of the convolution engine, layer by layer and pass by pass.

Prints GFLOP/s and the share of the fused-multiply-add peak of the same cores, which a small C
program measures between the layers (a C compiler is needed: ``$CC`` or ``cc``).  Winograd's figures
are effective: they count the products of the plain sum, so they may pass 100 %.

    python benchmarks/convolution.py --threads 2 --batch 8 --layers googlenet --algorithm auto
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from darkpy.kernels import simd
from darkpy.kernels.algorithms import ALGORITHMS
from darkpy.kernels.boundary import check, lib, pointer, struct

#: channels, filters, plane, size, stride, pad
LAYERS = {
    "googlenet": [
        *[(3, 64, 224, 7, 2, 3), (64, 64, 56, 1, 1, 0), (64, 192, 56, 3, 1, 1)],
        *[(192, 64, 28, 1, 1, 0), (192, 96, 28, 1, 1, 0), (96, 128, 28, 3, 1, 1)],
        *[(192, 16, 28, 1, 1, 0), (16, 32, 28, 5, 1, 2), (128, 192, 28, 3, 1, 1)],
        *[(480, 192, 14, 1, 1, 0), (96, 208, 14, 3, 1, 1), (512, 112, 14, 1, 1, 0)],
        *[(144, 288, 14, 3, 1, 1), (32, 64, 14, 5, 1, 2), (528, 256, 14, 1, 1, 0)],
        *[(832, 384, 7, 1, 1, 0), (192, 384, 7, 3, 1, 1), (48, 128, 7, 5, 1, 2)],
    ],
    "thin": [
        *[(1, 8, 28, 3, 1, 1), (8, 8, 28, 3, 1, 1), (8, 16, 14, 3, 1, 1)],
        *[(16, 16, 14, 3, 1, 1), (16, 32, 14, 3, 1, 1), (32, 32, 7, 3, 1, 1)],
    ],
    "strided": [(32, 64, 112, 3, 2, 1), (64, 128, 56, 3, 2, 1), (256, 512, 28, 1, 2, 0)],
    "connected": [(512, 4096, 7, 7, 1, 0), (4096, 1000, 1, 1, 1, 0), (784, 100, 1, 1, 1, 0)],
}

PEAK = r"""
#include <stdio.h>
#include <time.h>
typedef float v __attribute__((vector_size(LANES * 4)));
int main(int count, char **arguments) {
    (void)arguments;
    double best = 0;
    for (int repeat = 0; repeat < 5; repeat++) {
        v a[CHAINS], x, y;
        for (int i = 0; i < LANES; i++) { x[i] = .999f; y[i] = 1e-3f; }
        for (int j = 0; j < CHAINS; j++) a[j] = x * (float)(count + j);
        struct timespec t, u;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        for (int n = 0; n < 400000; n++) {
            _Pragma("GCC unroll 16") for (int j = 0; j < CHAINS; j++) a[j] = a[j] * x + y;
            __asm__ volatile("" ::: "memory");
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &u);
        double s = (u.tv_sec - t.tv_sec) + 1e-9 * (u.tv_nsec - t.tv_nsec), sum = 0;
        for (int j = 0; j < CHAINS; j++) sum += a[j][0];
        double rate = 2.0 * LANES * CHAINS * 400000 / s / 1e9;
        if (sum > 0 && rate > best) best = rate;
    }
    printf("%f\n", best);
}
"""


class Peak:
    """Fused-multiply-add rate of one core with the vectors of the instruction set in use."""

    def __init__(self, folder: str) -> None:
        source = Path(folder, "peak.c")
        source.write_text(PEAK)
        self.program = str(Path(folder, "peak"))
        flags = ["-O3", "-march=native", "-ffp-contract=fast", "-mprefer-vector-width=512"]
        defines = [f"-DLANES={simd.lanes()}", "-DCHAINS=12"]
        compiler = shlex.split(os.environ.get("CC", "cc"))
        subprocess.run([*compiler, *flags, *defines, str(source), "-o", self.program], check=True)

    def measure(self) -> float:
        """GFLOP/s of one core, now."""
        return float(subprocess.run([self.program], check=True, capture_output=True).stdout)


def aligned(count: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """`count` floats that begin at a cache line: random ones, or zeros."""
    memory = np.zeros(count + 16, np.float32)
    start = (-memory.ctypes.data % 64) // 4
    values = memory[start : start + count]
    if rng:
        values[...] = rng.standard_normal(count, np.float32)
    return values


def passes(layer: tuple[int, ...], batch: int, algorithm: int) -> dict[str, Callable[[], int]]:
    """The three passes of a layer as functions that run them once."""
    channels, filters, plane, ksize, stride, pad = layer
    out = (plane + 2 * pad - ksize) // stride + 1
    rng = np.random.default_rng(0)
    fields = {"channels": channels, "filters": filters, "groups": 1}
    for axis in "hw":
        fields.update({f"size_{axis}": ksize, f"stride_{axis}": stride})
        fields.update({f"pad_{axis}": pad, f"dilation_{axis}": 1})
    shape = struct("dk_conv_shape", fields)
    keep = [
        x := aligned(batch * plane * plane * channels, rng),
        y := aligned(batch * out * out * filters, rng),
        weights := aligned(lib.dk_convolution_weights_size(shape), rng),
    ]

    def tensor(array: np.ndarray, side: int, depth: int) -> dict[str, Any]:
        sizes = {"batch": batch, "height": side, "width": side, "channels": depth, "stride": depth}
        return {"data": pointer(array), **sizes}

    image, result = tensor(x, plane, channels), tensor(y, out, filters)
    arguments = {
        "dk_convolution": {"x": image, "y": result, "weights": pointer(weights)},
        "dk_convolution_backward_data": {
            "dy": result,
            "dx": image,
            "weights": pointer(weights),
        },
        "dk_convolution_backward_weights": {"x": image, "dy": result, "updates": pointer(weights)},
    }
    functions = {
        "dk_convolution": (
            "forward",
            lib.dk_convolution_forward,
            lib.dk_convolution_forward_workspace,
        ),
        "dk_convolution_backward_data": (
            "data",
            lib.dk_convolution_backward_data,
            lib.dk_convolution_backward_data_workspace,
        ),
        "dk_convolution_backward_weights": (
            "weights",
            lib.dk_convolution_backward_weights,
            lib.dk_convolution_backward_weights_workspace,
        ),
    }
    runs: dict[str, Callable[[], int]] = {}
    for name, (label, run, workspace) in functions.items():
        full = {"shape": fields, "algorithm": algorithm, **arguments[name]}
        needed = workspace(struct(name, full))
        keep.append(space := aligned(needed // 4 + 1))
        args = struct(name, {**full, "workspace": pointer(space), "workspace_bytes": needed})
        runs[label] = lambda run=run, args=args, keep=keep: run(args)  # type: ignore[misc]
    return runs


def best_time(run: Callable[[], int], seconds: float, clock: Callable[[], float]) -> float:
    """Shortest of the repetitions that fit into `seconds`, at least three."""
    best, repeats, until = float("inf"), 0, time.perf_counter() + seconds
    while repeats < 3 or time.perf_counter() < until:
        start = clock()
        status = run()
        best, repeats = min(best, clock() - start), repeats + 1
        check(status, "convolution")
    return best


def main() -> None:
    """Print one line for every layer."""
    parser = argparse.ArgumentParser(description="Speed of the convolution engine")
    parser.add_argument("--layers", choices=LAYERS, default="googlenet")
    parser.add_argument("--algorithm", choices=ALGORITHMS, default="auto")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--simd", choices=simd.available(), default=simd.simd())
    parser.add_argument("--seconds", type=float, default=0.1, help="for each pass of a layer")
    options = parser.parse_args()
    simd.use(options.simd)
    simd.set_num_threads(options.threads)
    # The processor time of one thread does not count what other programs take.
    clock = time.process_time if options.threads == 1 else time.perf_counter
    print(f"{options.simd}, {options.threads} threads, batch {options.batch}, {options.algorithm}")
    total: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        peak = Peak(folder)
        for layer in LAYERS[options.layers]:
            channels, filters, plane, ksize, stride, pad = layer
            out = (plane + 2 * pad - ksize) // stride + 1
            work = 2e-9 * options.batch * out * out * channels * filters * ksize * ksize
            limit = peak.measure() * options.threads
            cells = []
            runs = passes(layer, options.batch, ALGORITHMS.index(options.algorithm))
            for label, run in runs.items():
                seconds = best_time(run, options.seconds, clock)
                total[label] = total.get(label, 0) + seconds
                rate = work / seconds
                cells.append(f"{label} {seconds * 1e3:8.3f} ms {rate:5.0f} {rate / limit:5.0%}")
            name = f"{channels:4d} -> {filters:4d} {ksize}x{ksize}/{stride} {out:3d}x{out}"
            print(f"{name:28s}", "   ".join(cells), flush=True)
    print("   ".join(f"{label} {seconds * 1e3:.2f} ms" for label, seconds in total.items()))


if __name__ == "__main__":
    main()
