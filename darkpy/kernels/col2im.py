"""Matrices back to images: Darknet's ``col2im_cpu``, the transpose of `im2col_cpu`."""

from __future__ import annotations

from math import prod

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    float_array,
    lib,
    no_overlap,
    pointer,
    size,
)
from darkpy.kernels.windows import Pair, checked_windows

__all__ = ["col2im_cpu", "col2im_cpu_ext"]


def col2im_cpu_ext(
    columns: FloatArray,
    shape: tuple[int, int, int],
    ksize: Pair,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    out: FloatArray | None = None,
) -> FloatArray:
    """Add every value of `columns` to the pixel that `im2col_cpu_ext` would have read it from.

    Parameters
    ----------
    columns : ndarray of float32, shape (channels*kh*kw, out_h*out_w)
    shape : (int, int, int)
        (channels, height, width) of the image.
    ksize, stride, pad, dilation : int or (int, int)
        As for `im2col_cpu_ext`.
    out : ndarray of float32 of that shape, optional
        The values are added to it, and it is returned; without it the sums start from 0.

    Returns
    -------
    ndarray of float32, shape (channels, height, width)

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        Each names the argument, what was expected and what came.

    Notes
    -----
    Error: one rounding per addition.  Threads: split over channels.  Source: AlexeyAB's Darknet,
    `col2im.c` col2im_cpu_ext, which clears the image first; with `out` this one adds.
    """
    channels, height, width = (size("shape", n, 0) for n in shape)
    at = checked_windows(ksize, stride, pad, dilation)
    rows, places = channels * prod(at.ksize), prod(at.places(height, width))
    columns = float_array("columns", columns, (rows, places))
    out = accumulator("out", out, (channels, height, width))
    no_overlap(out=out, columns=columns)
    if not columns.size:
        return out
    numbers = *at.ksize, *at.pad, *at.stride, *at.dilation
    status = lib.dk_col2im_cpu_ext(
        pointer(columns), channels, height, width, *numbers, pointer(out)
    )
    check(status, "col2im_cpu_ext")
    return out


def col2im_cpu(
    columns: FloatArray,
    shape: tuple[int, int, int],
    ksize: int,
    stride: int = 1,
    pad: int = 0,
    out: FloatArray | None = None,
) -> FloatArray:
    """Add columns back to the pixels of a square kernel: see `col2im_cpu_ext`.

    Source: Darknet `col2im.c`.
    """
    return col2im_cpu_ext(columns, shape, ksize, stride, pad, 1, out)
