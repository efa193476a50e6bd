"""Space to depth: Darknet's odd [reorg] order, its flatten and extra forms, and [reorg3d]."""

from __future__ import annotations

import numpy as np


def _odd_indices(channels, height, width, stride):
    """(straight, blocked): flat positions in one image that reorg exchanges."""
    inner = channels // stride**2
    k, j, i = np.indices((channels, height, width))
    offset, channel = k // inner, k % inner
    column = i * stride + offset % stride
    row = j * stride + offset // stride
    blocked = column + width * stride * (row + height * stride * channel)
    return np.arange(channels * height * width), blocked.ravel()


def reorg_forward(x, stride, reverse=False):
    """Darknet's order: the memory is read as if it were a (c/s^2, h*s, w*s) map."""
    x = np.asarray(x, np.float64)
    batch, channels, height, width = x.shape
    straight, blocked = _odd_indices(channels, height, width, stride)
    flat, y = x.reshape(batch, -1), np.empty((batch, x[0].size))
    if reverse:
        y[:, blocked] = flat[:, straight]
        return y.reshape(batch, channels // stride**2, height * stride, width * stride)
    y[:, straight] = flat[:, blocked]
    return y.reshape(batch, channels * stride**2, height // stride, width // stride)


def reorg_backward(grad_y, shape, stride, reverse=False):
    """The inverse permutation."""
    batch, channels, height, width = shape
    straight, blocked = _odd_indices(channels, height, width, stride)
    grad = np.asarray(grad_y, np.float64).reshape(batch, -1)
    grad_x = np.empty_like(grad)
    if reverse:
        grad_x[:, straight] = grad[:, blocked]
    else:
        grad_x[:, blocked] = grad[:, straight]
    return grad_x.reshape(shape)


def flatten_forward(x, reverse=False):
    """[channel][pixel] -> [pixel][channel] in memory, the shape as it was (reverse: back)."""
    x = np.asarray(x, np.float64)
    batch, channels, height, width = x.shape
    if reverse:
        return x.reshape(batch, height * width, channels).transpose(0, 2, 1).reshape(x.shape)
    return x.reshape(batch, channels, height * width).transpose(0, 2, 1).reshape(x.shape)


def flatten_backward(grad_y, reverse=False):
    """The other direction."""
    return flatten_forward(grad_y, not reverse)


def extra_forward(x, extra):
    """Each image's values followed by `extra` zeros: (batch, values + extra)."""
    x = np.asarray(x, np.float64)
    return np.pad(x.reshape(len(x), -1), ((0, 0), (0, extra)))


def extra_backward(grad_y, shape):
    """The gradient of the zeros is dropped."""
    size = int(np.prod(shape[1:]))
    return np.asarray(grad_y, np.float64).reshape(shape[0], -1)[:, :size].reshape(shape)


def reorg3d_forward(x, stride, reverse=False):
    """out[o*c + k, j, i] = x[k, j*s + o // s, i*s + o % s], or the inverse of it."""
    x = np.asarray(x, np.float64)
    batch, channels, height, width = x.shape
    if reverse:
        inner = channels // stride**2
        blocks = x.reshape(batch, stride, stride, inner, height, width)
        blocks = blocks.transpose(0, 3, 4, 1, 5, 2)
        return blocks.reshape(batch, inner, height * stride, width * stride)
    blocks = x.reshape(batch, channels, height // stride, stride, width // stride, stride)
    blocks = blocks.transpose(0, 3, 5, 1, 2, 4)
    return blocks.reshape(batch, channels * stride**2, height // stride, width // stride)


def reorg3d_backward(grad_y, stride, reverse=False):
    """The other direction."""
    return reorg3d_forward(grad_y, stride, not reverse)
