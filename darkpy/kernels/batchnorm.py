"""Darknet's batch normalisation, step by step; `batchnorm_forward` does it in one call.

Shapes, M, the sign of a delta, accuracy and threads: `darkpy.kernels.per_filter`.
"""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    float_array,
    lib,
    no_overlap,
    no_partial_overlap,
    output_array,
    pointer,
)
from darkpy.kernels.per_filter import filter_array, filter_vector, variant_rules

__all__ = [
    "backward_scale_cpu",
    "mean_cpu",
    "mean_delta_cpu",
    "normalize_cpu",
    "normalize_delta_cpu",
    "variance_cpu",
    "variance_delta_cpu",
]


def mean_cpu(x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Mean of each filter: ``out[f] = sum of x[:, f] / M``.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, filters, ...)
    out : ndarray of float32, shape (filters,), optional
        Overwritten.

    Returns
    -------
    ndarray of float32, shape (filters,)
        NaN if x is empty, as in NumPy.

    Notes
    -----
    Source: Darknet `blas.c` mean_cpu.
    """
    x, layout = filter_array("x", x)
    result = output_array("out", out, (layout[1],))
    no_overlap(out=result, x=x)
    if x.size:
        check(lib.dk_mean_cpu(pointer(x), *layout, pointer(result)), "mean_cpu")
    else:
        result.fill(np.nan)
    return result


def variance_cpu(x: FloatArray, mean: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Variance of each filter: ``out[f] = sum of (x[:, f] - mean[f])**2 / (M - 1)``.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, filters, ...)
    mean : ndarray of float32, shape (filters,)
        The result of `mean_cpu`.
    out : ndarray of float32, shape (filters,), optional
        Overwritten.

    Returns
    -------
    ndarray of float32, shape (filters,)
        If M = 1 the divisor is 1, so that the variance of a single value is 0 (Darknet: NaN).  NaN
        if x is empty.

    Notes
    -----
    Source: Darknet `blas.c` variance_cpu.
    """
    x, layout = filter_array("x", x)
    mean = filter_vector("mean", mean, layout[1])
    result = output_array("out", out, (layout[1],))
    no_overlap(out=result, x=x, mean=mean)
    if x.size:
        status = lib.dk_variance_cpu(pointer(x), pointer(mean), *layout, pointer(result))
        check(status, "variance_cpu")
    else:
        result.fill(np.nan)
    return result


def normalize_cpu(
    x: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    *,
    variant: str = "pjreddie-cpu",
    out: FloatArray | None = None,
) -> FloatArray:
    """Normalise: ``out = (x - mean) / (sqrt(variance) + 1e-6)``, per filter.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, filters, ...)
    mean, variance : ndarray of float32, shape (filters,)
    variant : {"pjreddie-cpu", "alexeyab", "cudnn"}
        The last two divide by ``sqrt(variance + 1e-5)``.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `x` itself (in place), as in Darknet.

    Returns
    -------
    ndarray of float32, shape of x

    Notes
    -----
    Source: Darknet `blas.c` normalize_cpu.
    """
    epsilon, inside, _, _ = variant_rules(variant)
    x, layout = filter_array("x", x)
    mean, variance = (
        filter_vector(name, array, layout[1])
        for name, array in (("mean", mean), ("variance", variance))
    )
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x)
    no_overlap(out=result, mean=mean, variance=variance)
    if x.size:
        vectors = pointer(mean), pointer(variance)
        status = lib.dk_normalize(pointer(x), *vectors, *layout, epsilon, inside, pointer(result))
        check(status, "normalize_cpu")
    return result


def backward_scale_cpu(
    x_norm: FloatArray, delta: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Scale updates: ``out[f] += sum of delta[:, f] * x_norm[:, f]``.

    Parameters
    ----------
    x_norm, delta : ndarray of float32, shape (batch, filters, ...)
    out : ndarray of float32, shape (filters,), optional
        Added to; without it the sums start from 0.

    Returns
    -------
    ndarray of float32, shape (filters,)

    Notes
    -----
    Source: Darknet `convolutional_layer.c` backward_scale_cpu.
    """
    x_norm, layout = filter_array("x_norm", x_norm)
    delta = float_array("delta", delta, x_norm.shape)
    result = accumulator("out", out, (layout[1],))
    no_overlap(out=result, x_norm=x_norm, delta=delta)
    if x_norm.size:
        arrays = pointer(x_norm), pointer(delta)
        check(lib.dk_backward_scale_cpu(*arrays, *layout, pointer(result)), "backward_scale_cpu")
    return result


def mean_delta_cpu(
    delta: FloatArray, variance: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Delta of the mean: ``out[f] = -(sum of delta[:, f]) / sqrt(variance[f] + 1e-5)``.

    Parameters
    ----------
    delta : ndarray of float32, shape (batch, filters, ...)
        The delta of the normalised values: already multiplied by the scales.
    variance : ndarray of float32, shape (filters,)
    out : ndarray of float32, shape (filters,), optional
        Overwritten.

    Returns
    -------
    ndarray of float32, shape (filters,)

    Notes
    -----
    Source: Darknet `batchnorm_layer.c` mean_delta_cpu.
    """
    delta, layout = filter_array("delta", delta)
    variance = filter_vector("variance", variance, layout[1])
    result = output_array("out", out, (layout[1],))
    no_overlap(out=result, delta=delta, variance=variance)
    if delta.size:
        status = lib.dk_mean_delta_cpu(pointer(delta), pointer(variance), *layout, pointer(result))
        check(status, "mean_delta_cpu")
    else:
        result.fill(0)
    return result


def variance_delta_cpu(
    x: FloatArray,
    delta: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    *,
    out: FloatArray | None = None,
) -> FloatArray:
    """Delta of the variance: ``out = -(sum of delta * (x - mean)) / (2 (variance + 1e-5)**1.5)``.

    Parameters
    ----------
    x, delta : ndarray of float32, shape (batch, filters, ...)
        The layer's input, and the delta of its normalised values.
    mean, variance : ndarray of float32, shape (filters,)
    out : ndarray of float32, shape (filters,), optional
        Overwritten.

    Returns
    -------
    ndarray of float32, shape (filters,)

    Notes
    -----
    Source: Darknet `batchnorm_layer.c` variance_delta_cpu.
    """
    x, layout = filter_array("x", x)
    delta = float_array("delta", delta, x.shape)
    mean, variance = (
        filter_vector("mean", mean, layout[1]),
        filter_vector("variance", variance, layout[1]),
    )
    result = output_array("out", out, (layout[1],))
    no_overlap(out=result, x=x, delta=delta, mean=mean, variance=variance)
    if x.size:
        arrays = pointer(x), pointer(delta), pointer(mean), pointer(variance)
        check(lib.dk_variance_delta_cpu(*arrays, *layout, pointer(result)), "variance_delta_cpu")
    else:
        result.fill(0)
    return result


def normalize_delta_cpu(
    x: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    mean_delta: FloatArray,
    variance_delta: FloatArray,
    delta: FloatArray,
    *,
    out: FloatArray | None = None,
) -> FloatArray:
    """Delta of the input, from that of the normalised values.

    ``out = delta/sqrt(variance + 1e-5) + variance_delta * 2 (x - mean)/M + mean_delta/M``, per
    filter.

    Parameters
    ----------
    x, delta : ndarray of float32, shape (batch, filters, ...)
    mean, variance, mean_delta, variance_delta : ndarray of float32, shape (filters,)
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `delta` itself (in place), as in Darknet.

    Returns
    -------
    ndarray of float32, shape of x

    Notes
    -----
    Source: Darknet `batchnorm_layer.c` normalize_delta_cpu.
    """
    x, layout = filter_array("x", x)
    delta = float_array("delta", delta, x.shape)
    vectors = {
        "mean": mean,
        "variance": variance,
        "mean_delta": mean_delta,
        "variance_delta": variance_delta,
    }
    checked = {name: filter_vector(name, array, layout[1]) for name, array in vectors.items()}
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x, delta=delta)
    no_overlap(out=result, **checked)
    if x.size:
        p = {name: pointer(array) for name, array in checked.items()}
        statistics = p["mean"], p["variance"], p["mean_delta"], p["variance_delta"]
        deltas = pointer(delta), pointer(result)
        status = lib.dk_normalize_delta(pointer(x), *statistics, *layout, *deltas)
        check(status, "normalize_delta_cpu")
    return result
