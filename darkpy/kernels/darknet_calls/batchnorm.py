"""Darknet's batch-normalisation and bias functions: exact argument lists, in place.

Arrays are [batch][filters][spatial] (`n` filters of `size` values), per-filter arrays [filters].
Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import (
    FloatArray,
    check,
    lib,
    no_overlap,
    no_partial_overlap,
    pointer,
    size,
)
from darkpy.kernels.darknet_calls._arguments import memory

__all__ = [
    "add_bias",
    "backward_bias",
    "backward_scale_cpu",
    "mean_cpu",
    "mean_delta_cpu",
    "normalize_cpu",
    "normalize_delta_cpu",
    "scale_bias",
    "variance_cpu",
    "variance_delta_cpu",
]


def _values(batch: int, filters: int, spatial: int) -> int:
    return size("batch", batch) * size("filters", filters) * size("spatial", spatial)


def mean_cpu(x: FloatArray, batch: int, filters: int, spatial: int, mean: FloatArray) -> None:
    """``mean = sum of x / (batch * spatial)``."""
    x = memory("x", x, _values(batch, filters, spatial))
    mean = memory("mean", mean, filters, writable=True)
    no_overlap(mean=mean, x=x)
    check(lib.dk_mean_cpu(pointer(x), batch, filters, spatial, pointer(mean)), "mean_cpu")


def variance_cpu(
    x: FloatArray, mean: FloatArray, batch: int, filters: int, spatial: int, variance: FloatArray
) -> None:
    """``variance = sum of (x - mean)**2 / (batch * spatial - 1)``; 0 for a single value."""
    x = memory("x", x, _values(batch, filters, spatial))
    mean = memory("mean", mean, filters)
    variance = memory("variance", variance, filters, writable=True)
    no_overlap(variance=variance, x=x, mean=mean)
    sizes = batch, filters, spatial
    check(lib.dk_variance_cpu(pointer(x), pointer(mean), *sizes, pointer(variance)), "variance_cpu")


def normalize_cpu(
    x: FloatArray, mean: FloatArray, variance: FloatArray, batch: int, filters: int, spatial: int
) -> None:
    """``x = (x - mean) / (sqrt(variance) + 1e-6)``."""
    x = memory("x", x, _values(batch, filters, spatial), writable=True)
    mean, variance = memory("mean", mean, filters), memory("variance", variance, filters)
    no_overlap(x=x, mean=mean, variance=variance)
    sizes = batch, filters, spatial
    status = lib.dk_normalize_cpu(pointer(x), pointer(mean), pointer(variance), *sizes)
    check(status, "normalize_cpu")


def backward_scale_cpu(
    x_norm: FloatArray,
    delta: FloatArray,
    batch: int,
    n: int,
    size: int,
    scale_updates: FloatArray,
) -> None:
    """``scale_updates += sum of delta * x_norm``."""
    count = _values(batch, n, size)
    x_norm, delta = memory("x_norm", x_norm, count), memory("delta", delta, count)
    scale_updates = memory("scale_updates", scale_updates, n, writable=True)
    no_overlap(scale_updates=scale_updates, x_norm=x_norm, delta=delta)
    arrays = pointer(x_norm), pointer(delta), batch, n, size, pointer(scale_updates)
    check(lib.dk_backward_scale_cpu(*arrays), "backward_scale_cpu")


def mean_delta_cpu(
    delta: FloatArray,
    variance: FloatArray,
    batch: int,
    filters: int,
    spatial: int,
    mean_delta: FloatArray,
) -> None:
    """``mean_delta = -(sum of delta) / sqrt(variance + 1e-5)``."""
    delta = memory("delta", delta, _values(batch, filters, spatial))
    variance = memory("variance", variance, filters)
    mean_delta = memory("mean_delta", mean_delta, filters, writable=True)
    no_overlap(mean_delta=mean_delta, delta=delta, variance=variance)
    sizes = batch, filters, spatial
    status = lib.dk_mean_delta_cpu(pointer(delta), pointer(variance), *sizes, pointer(mean_delta))
    check(status, "mean_delta_cpu")


def variance_delta_cpu(
    x: FloatArray,
    delta: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    batch: int,
    filters: int,
    spatial: int,
    variance_delta: FloatArray,
) -> None:
    """``variance_delta = -(sum of delta * (x - mean)) / (2 (variance + 1e-5)**1.5)``."""
    count = _values(batch, filters, spatial)
    x, delta = memory("x", x, count), memory("delta", delta, count)
    mean, variance = memory("mean", mean, filters), memory("variance", variance, filters)
    result = memory("variance_delta", variance_delta, filters, writable=True)
    no_overlap(variance_delta=result, x=x, delta=delta, mean=mean, variance=variance)
    arrays = pointer(x), pointer(delta), pointer(mean), pointer(variance)
    status = lib.dk_variance_delta_cpu(*arrays, batch, filters, spatial, pointer(result))
    check(status, "variance_delta_cpu")


def normalize_delta_cpu(
    x: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    mean_delta: FloatArray,
    variance_delta: FloatArray,
    batch: int,
    filters: int,
    spatial: int,
    delta: FloatArray,
) -> None:
    """``delta = delta/sqrt(variance + 1e-5) + variance_delta*2(x - mean)/M + mean_delta/M``."""
    count = _values(batch, filters, spatial)
    x, delta = memory("x", x, count), memory("delta", delta, count, writable=True)
    vectors = {
        "mean": mean,
        "variance": variance,
        "mean_delta": mean_delta,
        "variance_delta": variance_delta,
    }
    checked = {name: memory(name, array, filters) for name, array in vectors.items()}
    no_partial_overlap(delta=delta, x=x)
    no_overlap(delta=delta, **checked)
    p = {name: pointer(array) for name, array in checked.items()}
    arrays = pointer(x), p["mean"], p["variance"], p["mean_delta"], p["variance_delta"]
    status = lib.dk_normalize_delta_cpu(*arrays, batch, filters, spatial, pointer(delta))
    check(status, "normalize_delta_cpu")


def add_bias(output: FloatArray, biases: FloatArray, batch: int, n: int, size: int) -> None:
    """``output += biases`` of its filter."""
    output = memory("output", output, _values(batch, n, size), writable=True)
    biases = memory("biases", biases, n)
    no_overlap(output=output, biases=biases)
    check(lib.dk_add_bias(pointer(output), pointer(biases), batch, n, size), "add_bias")


def scale_bias(output: FloatArray, scales: FloatArray, batch: int, n: int, size: int) -> None:
    """``output *= scales`` of its filter."""
    output = memory("output", output, _values(batch, n, size), writable=True)
    scales = memory("scales", scales, n)
    no_overlap(output=output, scales=scales)
    check(lib.dk_scale_bias(pointer(output), pointer(scales), batch, n, size), "scale_bias")


def backward_bias(
    bias_updates: FloatArray, delta: FloatArray, batch: int, n: int, size: int
) -> None:
    """``bias_updates += sum of delta``."""
    delta = memory("delta", delta, _values(batch, n, size))
    bias_updates = memory("bias_updates", bias_updates, n, writable=True)
    no_overlap(bias_updates=bias_updates, delta=delta)
    arrays = pointer(bias_updates), pointer(delta)
    check(lib.dk_backward_bias(*arrays, batch, n, size), "backward_bias")
