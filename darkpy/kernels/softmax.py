"""Softmax, Darknet's ``softmax_cpu`` and ``softmax``."""

from __future__ import annotations

from darkpy.engine.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_partial_overlap,
    output_array,
    pointer,
    real,
    size,
)
from darkpy.errors import ArgumentError, ShapeError

__all__ = ["softmax", "softmax_cpu"]


def _temperature(value: object) -> float:
    checked = real("temperature", value)
    if checked == 0:
        raise ArgumentError("temperature must not be 0")
    return checked


def softmax_cpu(
    x: FloatArray,
    *,
    groups: int = 1,
    temperature: float = 1.0,
    spatial: bool = False,
    out: FloatArray | None = None,
) -> FloatArray:
    """Softmax: ``out_i = e**((x_i - max)/T) / sum of e**((x_j - max)/T)`` over each group.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, ...)
        Each image's values are divided into `groups` contiguous groups of equal length.
    groups : int
        A divisor of the values of an image.
    temperature : float
        T, not 0.
    spatial : bool
        The groups run over the channels (axis 1) at each position of (batch, channels, ...)
        instead; `groups` is 1.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `x` itself (in place).

    Returns
    -------
    ndarray of float32, shape of x

    Notes
    -----
    Nothing overflows; one NaN makes its whole group NaN.
    Error: 4 + (max - x_i)/T units in the last place.  Threads: split over the groups.
    Source: Darknet `blas.c` softmax_cpu.
    """
    kind = _temperature(temperature)
    x = float_array("x", x)
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x)
    size("groups", groups)
    if spatial and (x.ndim < 2 or groups != 1):
        raise ShapeError(f"x must have shape (batch, channels, ...) and groups 1, got {x.shape}")
    if not x.size:
        return result
    batch, values = x.shape[0] if x.ndim else 1, x.size // (x.shape[0] if x.ndim else 1)
    if spatial:
        positions = values // x.shape[1]
        shape = x.shape[1], batch, values, positions, 1, positions
        if positions == 1:
            shape = x.shape[1], batch, values, 1, values, 1
    else:
        if values % groups:
            raise ShapeError(f"groups must divide the {values} values of an image, got {groups}")
        shape = values // groups, batch, values, groups, values // groups, 1
    check(lib.dk_softmax_cpu(pointer(x), *shape, kind, pointer(result)), "softmax_cpu")
    return result


def softmax(
    x: FloatArray, temperature: float = 1.0, *, out: FloatArray | None = None
) -> FloatArray:
    """Softmax of all values of one array: `softmax_cpu` of a single group.

    Parameters
    ----------
    x : ndarray of float32, any shape
    temperature : float
        Not 0.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `x` itself (in place).

    Returns
    -------
    ndarray of float32, shape of x

    Notes
    -----
    One thread.  Source: Darknet `blas.c` softmax.
    """
    kind = _temperature(temperature)
    x = float_array("x", x)
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x)
    if x.size:
        status = lib.dk_softmax_single(pointer(x), x.size, kind, 1, pointer(result))
        check(status, "softmax")
    return result
