"""Max and average pooling with Darknet's windows.

`padding` is the total over both sides: outputs = (in + padding - size) // stride + 1, and the
window of output i starts at i * stride - padding // 2. Positions outside the image do not count.
"""

from __future__ import annotations

import numpy as np

from .convolution import pair

LOWEST = -float(np.finfo(np.float32).max)
"""What a window without any pixel gives: Darknet's -FLT_MAX."""


def pool_size(size: int, window: int, stride: int, padding: int) -> int:
    """Outputs along one axis."""
    return (size + padding - window) // stride + 1


def _taps(x, size, stride, padding):
    """For each tap of the window, row-major: (pixels, inside the image, index in the plane)."""
    (size_h, size_w), (stride_h, stride_w), padding = pair(size), pair(stride), pair(padding)
    height, width = x.shape[2:]
    rows = np.arange(pool_size(height, size_h, stride_h, padding[0])) * stride_h - padding[0] // 2
    cols = np.arange(pool_size(width, size_w, stride_w, padding[1])) * stride_w - padding[1] // 2
    for i in range(size_h):
        for j in range(size_w):
            row, col = (rows + i)[:, None], (cols + j)[None, :]
            inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
            row, col = np.clip(row, 0, height - 1), np.clip(col, 0, width - 1)
            yield x[:, :, row, col], inside, row * width + col


def default_padding(size, padding):
    """Darknet's default is size - 1."""
    return tuple(s - 1 for s in pair(size)) if padding is None else padding


def maxpool_forward(x, size, stride, padding=None):
    """(y, argmax): argmax is the index in the plane of the first maximum, -1 for no pixel."""
    x = np.asarray(x, np.float64)
    y = argmax = None
    for pixels, inside, index in _taps(x, size, stride, default_padding(size, padding)):
        if y is None:
            y = np.full(pixels.shape, LOWEST)
            argmax = np.full(pixels.shape, -1)
        better = inside & (pixels > y)
        y = np.where(better, pixels, y)
        argmax = np.where(better, index, argmax)
    return y, argmax


def maxpool_backward(grad_y, argmax, shape):
    """grad_x: each gradient goes to the position of its maximum."""
    batch, channels, height, width = shape
    grad_x = np.zeros((batch * channels, height * width))
    index = argmax.reshape(batch * channels, -1)
    planes = np.broadcast_to(np.arange(batch * channels)[:, None], index.shape)
    found = index >= 0
    grad = np.asarray(grad_y, np.float64).reshape(index.shape)
    np.add.at(grad_x, (planes[found], index[found]), grad[found])
    return grad_x.reshape(shape)


def local_avgpool_forward(x, size, stride, padding=None):
    """Mean over the pixels of the window that lie inside the image."""
    x = np.asarray(x, np.float64)
    total, count = 0.0, 0
    for pixels, inside, _ in _taps(x, size, stride, default_padding(size, padding)):
        total = total + pixels * inside
        count = count + inside
    return total / np.maximum(count, 1)


def local_avgpool_backward(grad_y, shape, size, stride, padding=None):
    """grad_x: every pixel of a window gets grad / (number of pixels inside)."""
    padding = default_padding(size, padding)
    taps = list(_taps(np.zeros(shape), size, stride, padding))
    count = np.maximum(sum(inside * 1 for _, inside, _ in taps), 1)
    share = np.asarray(grad_y, np.float64) / count
    grad_x = np.zeros((shape[0], shape[1], shape[2] * shape[3]))
    for _, inside, index in taps:
        for position, values in zip(
            index[inside], np.moveaxis(share[:, :, inside], 2, 0), strict=True
        ):
            grad_x[:, :, position] += values
    return grad_x.reshape(shape)


def avgpool_forward(x):
    """Global mean: (batch, channels, 1, 1)."""
    return np.asarray(x, np.float64).mean((2, 3), keepdims=True)


def avgpool_backward(grad_y, shape):
    """grad / (height * width) everywhere."""
    grad = np.asarray(grad_y, np.float64).reshape(shape[0], shape[1], 1, 1)
    return np.broadcast_to(grad / (shape[2] * shape[3]), shape).copy()
