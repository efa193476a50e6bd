"""Darknet's gemm.c, im2col.c and col2im.c: exact argument lists, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.errors import ShapeError
from darkpy.kernels.boundary import FloatArray, check, lib, no_overlap, pointer, real, size
from darkpy.kernels.flat._memory import memory
from darkpy.kernels.im2col import out_length

__all__ = ["col2im_cpu", "col2im_cpu_ext", "gemm_cpu", "im2col_cpu", "im2col_cpu_ext"]

#: Largest size along one axis, which keeps products of all of them far from overflow.
LIMIT = 1 << 20


def gemm_cpu(
    TA: int,
    TB: int,
    M: int,
    N: int,
    K: int,
    ALPHA: float,
    A: FloatArray,
    lda: int,
    B: FloatArray,
    ldb: int,
    BETA: float,
    C: FloatArray,
    ldc: int,
) -> None:
    """``C = ALPHA * op(A) op(B) + BETA * C``, row-major, rows lda, ldb and ldc values apart.

    A BETA of 0 does not read C (Darknet's multiplies NaN by it).
    """
    sizes = [size(name, value, 0, 1 << 31) for name, value in (("M", M), ("N", N), ("K", K))]
    rows = {"lda": (K, M) if TA else (M, K), "ldb": (N, K) if TB else (K, N), "ldc": (M, N)}
    counts = []
    for (name, (height, width)), stride in zip(rows.items(), (lda, ldb, ldc), strict=True):
        size(name, stride, max(1, width), 1 << 31)
        counts.append((height - 1) * stride + width if height and width else 0)
    a, b = memory("A", A, counts[0]), memory("B", B, counts[1])
    c = memory("C", C, counts[2], writable=True)
    no_overlap(C=c, A=a, B=b)
    status = lib.dk_gemm_cpu(
        *(int(bool(TA)), int(bool(TB)), *sizes, real("ALPHA", ALPHA), pointer(a), lda),
        *(pointer(b), ldb, real("BETA", BETA), pointer(c), ldc),
    )
    check(status, "gemm_cpu")


def _places(channels: int, axes: list[tuple[str, int, int, int, int, int]]) -> tuple[int, int]:
    """Values of the image and of the matrix; axes: (name, length, ksize, stride, pad, dilation)."""
    image = columns = size("channels", channels, 1, LIMIT)
    for name, length, ksize, stride, pad, dilation in axes:
        image *= size(name, length, 1, LIMIT)
        size("ksize", ksize, 1, LIMIT)
        size("stride", stride, 1, LIMIT)
        size("pad", pad, 0, LIMIT)
        size("dilation", dilation, 1, LIMIT)
        columns *= ksize * out_length(name, length, ksize, stride, pad, dilation)
    if max(image, columns) > 1 << 38:
        raise ShapeError(f"the matrix of {columns} values is too large")
    return image, columns


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
    """Write what a square kernel sees at every place as a column of data_col."""
    axes = [("height", height, ksize, stride, pad, 1), ("width", width, ksize, stride, pad, 1)]
    image, columns = _places(channels, axes)
    x, out = memory("data_im", data_im, image), memory("data_col", data_col, columns, writable=True)
    no_overlap(data_col=out, data_im=x)
    sizes = (channels, height, width, ksize, stride, pad)
    check(lib.dk_im2col_cpu(pointer(x), *sizes, pointer(out)), "im2col_cpu")


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
    image, columns = _places(channels, axes)
    x, out = memory("data_col", data_col, columns), memory("data_im", data_im, image, writable=True)
    no_overlap(data_im=out, data_col=x)
    sizes = (channels, height, width, ksize, stride, pad)
    check(lib.dk_col2im_cpu(pointer(x), *sizes, pointer(out)), "col2im_cpu")


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
    """As `im2col_cpu`, with sizes of its own for each axis."""
    axes = [
        ("height", height, kernel_h, stride_h, pad_h, dilation_h),
        ("width", width, kernel_w, stride_w, pad_w, dilation_w),
    ]
    image, columns = _places(channels, axes)
    x, out = memory("data_im", data_im, image), memory("data_col", data_col, columns, writable=True)
    no_overlap(data_col=out, data_im=x)
    kernel = (kernel_h, kernel_w, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w)
    status = lib.dk_im2col_cpu_ext(pointer(x), channels, height, width, *kernel, pointer(out))
    check(status, "im2col_cpu_ext")


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
    """Set data_im to 0, then add as `col2im_cpu`, with sizes of its own for each axis."""
    axes = [
        ("height", height, kernel_h, stride_h, pad_h, dilation_h),
        ("width", width, kernel_w, stride_w, pad_w, dilation_w),
    ]
    image, columns = _places(channels, axes)
    x, out = memory("data_col", data_col, columns), memory("data_im", data_im, image, writable=True)
    no_overlap(data_im=out, data_col=x)
    check(lib.dk_fill_cpu(image, 0.0, pointer(out), 1), "col2im_cpu_ext")
    kernel = (kernel_h, kernel_w, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w)
    status = lib.dk_col2im_cpu_ext(pointer(x), channels, height, width, *kernel, pointer(out))
    check(status, "col2im_cpu_ext")
