"""Images as matrices: Darknet's ``im2col_cpu``; `col2im_cpu` is its transpose."""

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
from darkpy.errors import ShapeError

__all__ = ["im2col_cpu", "im2col_cpu_ext"]

Pair = int | tuple[int, int]


def pair(name: str, value: Pair, minimum: int) -> tuple[int, int]:
    """One number for both axes, or (vertical, horizontal), each at least `minimum`."""
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ShapeError(f"{name} must be an integer or a pair of them, got {value!r}")
        return size(name, value[0], minimum), size(name, value[1], minimum)
    return (size(name, value, minimum),) * 2


def out_length(axis: str, length: int, ksize: int, stride: int, pad: int, dilation: int) -> int:
    """Places of a kernel along one axis, (length + 2 pad - dilation (ksize-1) - 1)//stride + 1."""
    room = length + 2 * pad - dilation * (ksize - 1) - 1
    if room < 0:
        raise ShapeError(
            f"a kernel of {ksize} (dilation {dilation}) does not fit the {axis} {length} "
            f"with padding {pad}"
        )
    return room // stride + 1


def im2col_cpu_ext(
    image: FloatArray,
    ksize: Pair,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    out: FloatArray | None = None,
) -> FloatArray:
    """Write what a kernel sees at every place as a column of a matrix.

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
        Name the argument, what was expected and what came.

    Notes
    -----
    Without channels there are no rows.  Exact.  Threads: split over the rows.
    Source: AlexeyAB's Darknet, `im2col.c` im2col_cpu_ext.
    """
    image = float_array("image", image, (None, None, None))
    channels, height, width = image.shape
    kernel, step = pair("ksize", ksize, 1), pair("stride", stride, 1)
    border, spread = pair("pad", pad, 0), pair("dilation", dilation, 1)
    out_h = out_length("height", height, kernel[0], step[0], border[0], spread[0])
    out_w = out_length("width", width, kernel[1], step[1], border[1], spread[1])
    out = output_array("out", out, (channels * kernel[0] * kernel[1], out_h * out_w))
    no_overlap(out=out, image=image)
    if not out.size:
        return out
    status = lib.dk_im2col_cpu_ext(
        pointer(image), channels, height, width, *kernel, *border, *step, *spread, pointer(out)
    )
    check(status, "im2col_cpu_ext")
    return out


def im2col_cpu(
    image: FloatArray, ksize: int, stride: int = 1, pad: int = 0, out: FloatArray | None = None
) -> FloatArray:
    """Write what a square kernel sees at every place as a column: see `im2col_cpu_ext`.

    Source: Darknet `im2col.c`.
    """
    return im2col_cpu_ext(image, ksize, stride, pad, 1, out)
