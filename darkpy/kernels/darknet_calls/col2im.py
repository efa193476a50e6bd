"""Darknet's col2im.c: exact argument lists, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer
from darkpy.kernels.darknet_calls._arguments import image_and_columns, memory

__all__ = ["col2im_cpu", "col2im_cpu_ext"]


def col2im_cpu(
    data_col: FloatArray,
    channels: int,
    height: int,
    width: int,
    ksize: int,
    stride: int,
    pad: int,
    data_im: FloatArray,
) -> None:
    """Add every value of data_col to the pixel of data_im that `im2col_cpu` reads it from."""
    axes = [("height", height, ksize, stride, pad, 1), ("width", width, ksize, stride, pad, 1)]
    image, columns = image_and_columns(channels, axes)
    x, out = memory("data_col", data_col, columns), memory("data_im", data_im, image, writable=True)
    no_overlap(data_im=out, data_col=x)
    sizes = (channels, height, width, ksize, stride, pad)
    check(lib.dk_col2im_cpu(pointer(x), *sizes, pointer(out)), "col2im_cpu")


def col2im_cpu_ext(
    data_col: FloatArray,
    channels: int,
    height: int,
    width: int,
    kernel_h: int,
    kernel_w: int,
    pad_h: int,
    pad_w: int,
    stride_h: int,
    stride_w: int,
    dilation_h: int,
    dilation_w: int,
    data_im: FloatArray,
) -> None:
    """Set data_im to 0, then do what `col2im_cpu` does, with separate sizes for each axis."""
    axes = [
        ("height", height, kernel_h, stride_h, pad_h, dilation_h),
        ("width", width, kernel_w, stride_w, pad_w, dilation_w),
    ]
    image, columns = image_and_columns(channels, axes)
    x, out = memory("data_col", data_col, columns), memory("data_im", data_im, image, writable=True)
    no_overlap(data_im=out, data_col=x)
    check(lib.dk_fill_cpu(image, 0.0, pointer(out), 1), "col2im_cpu_ext")
    kernel = (kernel_h, kernel_w, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w)
    status = lib.dk_col2im_cpu_ext(pointer(x), channels, height, width, *kernel, pointer(out))
    check(status, "col2im_cpu_ext")
