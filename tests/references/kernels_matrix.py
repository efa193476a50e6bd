"""Darknet's im2col.c, col2im.c and gemm.c as functions; conventions as in kernels.py."""

from __future__ import annotations

import numpy as np


def _flat(x):
    """A float64 copy, flat."""
    return np.array(x, np.float64).ravel()


def _column_sources(c, h, w, kernel, pad, stride, dilation):
    """(index into the image of every column entry, whether it lies inside)."""
    out = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, p, s, d in zip((h, w), kernel, pad, stride, dilation, strict=True)
    ]
    k, i, j, y, x = np.indices((c, *kernel, *out))
    row = y * stride[0] - pad[0] + i * dilation[0]
    col = x * stride[1] - pad[1] + j * dilation[1]
    inside = (row >= 0) & (row < h) & (col >= 0) & (col < w)
    return np.where(inside, (k * h + row) * w + col, 0).ravel(), inside.ravel()


def im2col_cpu_ext(
    data, c, h, w, kernel_h, kernel_w, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w
):
    """Columns [c * kernel_h * kernel_w][out_h * out_w], 0 outside the image."""
    index, inside = _column_sources(
        c, h, w, (kernel_h, kernel_w), (pad_h, pad_w), (stride_h, stride_w),
        (dilation_h, dilation_w),
    )  # fmt: skip
    return np.where(inside, _flat(data)[index], 0.0)


def col2im_cpu_ext(
    columns, c, h, w, kernel_h, kernel_w, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w,
    image=None,
):  # fmt: skip
    """The image that the columns sum to; an image given is added to."""
    index, inside = _column_sources(
        c, h, w, (kernel_h, kernel_w), (pad_h, pad_w), (stride_h, stride_w),
        (dilation_h, dilation_w),
    )  # fmt: skip
    result = np.zeros(c * h * w) if image is None else _flat(image)
    np.add.at(result, index[inside], _flat(columns)[inside])
    return result


def im2col_cpu(data, c, h, w, ksize, stride, pad, columns=None):
    """`im2col_cpu_ext` with the same numbers on both axes and no dilation."""
    return im2col_cpu_ext(data, c, h, w, ksize, ksize, pad, pad, stride, stride, 1, 1)


def col2im_cpu(columns, c, h, w, ksize, stride, pad, image):
    """Adds the columns into the image."""
    return col2im_cpu_ext(columns, c, h, w, ksize, ksize, pad, pad, stride, stride, 1, 1, image)


def _matrix(values, rows, columns, leading):
    """rows x columns of a row-major array whose rows start `leading` apart."""
    return _flat(values)[np.arange(rows)[:, None] * leading + np.arange(columns)]


def gemm_cpu(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """C = alpha * op(A) op(B) + beta * C on the m x n part of C; its other entries stay."""
    left = _matrix(a, k, m, lda).T if ta else _matrix(a, m, k, lda)
    right = _matrix(b, n, k, ldb).T if tb else _matrix(b, k, n, ldb)
    result = _flat(c)
    place = np.arange(m)[:, None] * ldc + np.arange(n)
    result[place] = alpha * (left @ right) + beta * result[place]
    return result
