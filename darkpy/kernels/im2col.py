"""Images as matrices: Darknet's ``im2col_cpu``; `col2im_cpu` is its transpose."""

from __future__ import annotations

from math import prod

from darkpy.engine.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_overlap,
    output_array,
    pointer,
)
from darkpy.kernels.windows import Pair, checked_windows

__all__ = ["im2col_cpu", "im2col_cpu_ext"]


def im2col_cpu_ext(
    image: FloatArray,
    ksize: Pair,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    out: FloatArray | None = None,
) -> FloatArray:
    """Write the pixels under a kernel as columns of a matrix, one for each position.

    ``out[(c*kh + i)*kw + j, y*out_w + x] = image[c, y*sh - ph + i*dh, x*sw - pw + j*dw]``,
    0 outside the image.

    Parameters
    ----------
    image : ndarray of float32, shape (channels, height, width)
    ksize, stride, pad, dilation : int or (int, int)
        In pixels, for both axes or (vertical, horizontal); ``pad >= 0``, the others at least 1.
    out : ndarray of float32, shape (channels*kh*kw, out_h*out_w), optional
        Filled and returned; must not share memory with `image`.

    Returns
    -------
    ndarray of float32, shape (channels*kh*kw, out_h*out_w)
        ``out_h = (height + 2*ph - dh*(kh-1) - 1) // sh + 1``, `out_w` alike.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        Each names the argument, what was expected and what came.

    Notes
    -----
    Without channels there are no rows.  Exact.  Threads: split over the rows.
    Source: AlexeyAB's Darknet, `im2col.c` im2col_cpu_ext.
    """
    image = float_array("image", image, (None, None, None))
    channels, height, width = image.shape
    at = checked_windows(ksize, stride, pad, dilation)
    rows, places = channels * prod(at.ksize), prod(at.places(height, width))
    out = output_array("out", out, (rows, places))
    no_overlap(out=out, image=image)
    if not out.size:
        return out
    numbers = *at.ksize, *at.pad, *at.stride, *at.dilation
    status = lib.dk_im2col_cpu_ext(pointer(image), channels, height, width, *numbers, pointer(out))
    check(status, "im2col_cpu_ext")
    return out


def im2col_cpu(
    image: FloatArray, ksize: int, stride: int = 1, pad: int = 0, out: FloatArray | None = None
) -> FloatArray:
    """Write the pixels under a square kernel as columns: see `im2col_cpu_ext`.

    Source: Darknet `im2col.c`.
    """
    return im2col_cpu_ext(image, ksize, stride, pad, 1, out)
