"""Darknet's biases and scales.

Shapes, M, the sign of a delta, accuracy and threads: `darkpy.kernels.per_filter`.
"""

from __future__ import annotations

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    lib,
    no_overlap,
    no_partial_overlap,
    output_array,
    pointer,
)
from darkpy.kernels.per_filter import filter_array, filter_vector

__all__ = [
    "add_bias",
    "backward_bias",
    "scale_bias",
]


def add_bias(
    output: FloatArray, biases: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Add the biases: ``out = output + biases[f]``.

    Parameters
    ----------
    output : ndarray of float32, shape (batch, filters, ...)
    biases : ndarray of float32, shape (filters,)
    out : ndarray of float32, shape of output, optional
        Overwritten; may be `output` itself (in place), as in Darknet.

    Returns
    -------
    ndarray of float32, shape of output

    Notes
    -----
    One rounding.  Source: Darknet `convolutional_layer.c` add_bias.
    """
    return _scale_shift("add_bias", output, {"biases": biases}, out)


def scale_bias(
    output: FloatArray, scales: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Multiply by the scales: ``out = output * scales[f]``.

    Parameters
    ----------
    output : ndarray of float32, shape (batch, filters, ...)
    scales : ndarray of float32, shape (filters,)
    out : ndarray of float32, shape of output, optional
        Overwritten; may be `output` itself (in place), as in Darknet.

    Returns
    -------
    ndarray of float32, shape of output

    Notes
    -----
    One rounding.  Source: Darknet `convolutional_layer.c` scale_bias.
    """
    return _scale_shift("scale_bias", output, {"scales": scales}, out)


def _scale_shift(
    kernel: str, output: object, vector: dict[str, FloatArray], out: object
) -> FloatArray:
    x, layout = filter_array("output", output)
    checked = {name: filter_vector(name, array, layout[1]) for name, array in vector.items()}
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, output=x)
    no_overlap(out=result, **checked)
    if x.size:
        vectors = pointer(checked.get("scales")), pointer(checked.get("biases"))
        check(lib.dk_scale_shift(pointer(x), *vectors, *layout, pointer(result)), kernel)
    return result


def backward_bias(delta: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Bias updates: ``out[f] += sum of delta[:, f]``.

    Parameters
    ----------
    delta : ndarray of float32, shape (batch, filters, ...)
    out : ndarray of float32, shape (filters,), optional
        Added to; without it the sums start from 0.

    Returns
    -------
    ndarray of float32, shape (filters,)

    Notes
    -----
    Source: Darknet `convolutional_layer.c` backward_bias.
    """
    delta, layout = filter_array("delta", delta)
    result = accumulator("out", out, (layout[1],))
    no_overlap(out=result, delta=delta)
    if delta.size:
        check(lib.dk_backward_bias(pointer(result), pointer(delta), *layout), "backward_bias")
    return result
