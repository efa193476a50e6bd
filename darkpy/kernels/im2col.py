"""Images as matrices, Darknet's ``im2col_cpu`` and ``col2im_cpu``."""

from __future__ import annotations

from darkpy.errors import ShapeError
from darkpy.kernels.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_overlap,
    output_array,
    pointer,
    size,
)

__all__ = ["col2im_cpu", "col2im_cpu_ext", "im2col_cpu", "im2col_cpu_ext"]

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
