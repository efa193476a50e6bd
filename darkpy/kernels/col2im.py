"""Matrices back to images: Darknet's ``col2im_cpu``, the transpose of `im2col_cpu`."""

from __future__ import annotations

from darkpy.engine.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_overlap,
    output_array,
    pointer,
    size,
)
from darkpy.kernels.im2col import Pair, out_length, pair

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
        Added to and returned; without it the sums start from 0.

    Returns
    -------
    ndarray of float32, shape (channels, height, width)

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        Name the argument, what was expected and what came.

    Notes
    -----
    Error: one rounding per addition.  Threads: split over channels.  Source: AlexeyAB's Darknet,
    `col2im.c` col2im_cpu_ext, which clears the image first; with `out` this one adds.
    """
    channels, height, width = (size("shape", n, 0) for n in shape)
    kernel, step = pair("ksize", ksize, 1), pair("stride", stride, 1)
    border, spread = pair("pad", pad, 0), pair("dilation", dilation, 1)
    out_h = out_length("height", height, kernel[0], step[0], border[0], spread[0])
    out_w = out_length("width", width, kernel[1], step[1], border[1], spread[1])
    rows = channels * kernel[0] * kernel[1]
    columns = float_array("columns", columns, (rows, out_h * out_w))
    fresh = out is None
    out = output_array("out", out, (channels, height, width))
    if fresh:
        out[...] = 0
    no_overlap(out=out, columns=columns)
    if not columns.size:
        return out
    status = lib.dk_col2im_cpu_ext(
        pointer(columns), channels, height, width, *kernel, *border, *step, *spread, pointer(out)
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
