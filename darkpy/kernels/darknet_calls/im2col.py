"""Darknet's im2col.c: exact argument lists, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer
from darkpy.kernels.darknet_calls._arguments import image_and_columns, memory

__all__ = ["im2col_cpu", "im2col_cpu_ext"]


def im2col_cpu(
    data_im: FloatArray,
    channels: int,
    height: int,
    width: int,
    ksize: int,
    stride: int,
    pad: int,
    data_col: FloatArray,
) -> None:
    """Write the pixels under a square kernel as columns of data_col, one for each position."""
    axes = [("height", height, ksize, stride, pad, 1), ("width", width, ksize, stride, pad, 1)]
    image, columns = image_and_columns(channels, axes)
    x, out = memory("data_im", data_im, image), memory("data_col", data_col, columns, writable=True)
    no_overlap(data_col=out, data_im=x)
    sizes = (channels, height, width, ksize, stride, pad)
    check(lib.dk_im2col_cpu(pointer(x), *sizes, pointer(out)), "im2col_cpu")


def im2col_cpu_ext(
    data_im: FloatArray,
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
    data_col: FloatArray,
) -> None:
    """Do what `im2col_cpu` does, with separate sizes for each axis."""
    axes = [
        ("height", height, kernel_h, stride_h, pad_h, dilation_h),
        ("width", width, kernel_w, stride_w, pad_w, dilation_w),
    ]
    image, columns = image_and_columns(channels, axes)
    x, out = memory("data_im", data_im, image), memory("data_col", data_col, columns, writable=True)
    no_overlap(data_col=out, data_im=x)
    kernel = (kernel_h, kernel_w, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w)
    status = lib.dk_im2col_cpu_ext(pointer(x), channels, height, width, *kernel, pointer(out))
    check(status, "im2col_cpu_ext")
