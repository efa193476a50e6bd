"""Layers that only move, join or scale values: route, shortcut, upsample, crop, dropout, l2norm,
sam and scale_channels.
"""

from __future__ import annotations

import numpy as np


def route_forward(inputs, groups=1, group_id=0):
    """Part `group_id` of `groups` of every input's channels, joined in the order given."""
    parts = []
    for x in inputs:
        size = x.shape[1] // groups
        parts.append(np.asarray(x, np.float64)[:, group_id * size : (group_id + 1) * size])
    return np.concatenate(parts, axis=1)


def route_backward(grad_y, shapes, groups=1, group_id=0):
    """One gradient per input, zero outside the part that was taken."""
    grads, start = [], 0
    for shape in shapes:
        size = shape[1] // groups
        grad = np.zeros(shape)
        part = np.asarray(grad_y)[:, start : start + size]
        grad[:, group_id * size : (group_id + 1) * size] = part.reshape(shape[0], size, *shape[2:])
        grads.append(grad)
        start += size
    return grads


def _overlap(previous_shape, source_shape):
    """Index tuples (into previous, into source) of the positions that meet."""
    _, c2, h2, w2 = previous_shape
    _, c1, h1, w1 = source_shape
    stride, sample = max(1, w1 // w2), max(1, w2 // w1)
    if stride != max(1, h1 // h2) or sample != max(1, h2 // h1):
        raise ValueError("height and width differ by different factors")
    rows, cols, channels = min(h1, h2), min(w1, w2), min(c1, c2)

    def at(step):
        return (
            slice(None),
            slice(0, channels),
            slice(0, (rows - 1) * step + 1, step),
            slice(0, (cols - 1) * step + 1, step),
        )

    return at(sample), at(stride)


def shortcut_forward(previous, source, alpha=1.0, beta=1.0):
    """Previous, with alpha*previous + beta*source at the positions where both exist."""
    y = np.array(previous, np.float64)
    here, there = _overlap(y.shape, np.shape(source))
    y[here] = alpha * y[here] + beta * np.asarray(source, np.float64)[there]
    return y


def shortcut_backward(grad_y, previous_shape, source_shape, alpha=1.0, beta=1.0):
    """(grad_previous, grad_source): the derivative, so alpha acts only on the overlap."""
    grad_previous = np.array(grad_y, np.float64)
    grad_source = np.zeros(source_shape)
    here, there = _overlap(previous_shape, source_shape)
    grad_source[there] += beta * grad_previous[here]
    grad_previous[here] *= alpha
    return grad_previous, grad_source


def upsample_forward(x, stride=2, scale=1.0):
    """Nearest neighbour; a negative stride sums blocks instead."""
    x = np.asarray(x, np.float64)
    if stride > 0:
        return scale * x.repeat(stride, 2).repeat(stride, 3)
    batch, channels, height, width = x.shape
    blocks = x.reshape(batch, channels, height // -stride, -stride, width // -stride, -stride)
    return scale * blocks.sum((3, 5))


def upsample_backward(grad_y, stride=2, scale=1.0):
    """The other direction is exactly the transpose."""
    return upsample_forward(grad_y, -stride, scale)


def crop_forward(x, height, width, top=None, left=None, flip=False, adjust=True):
    """A window (the centre by default), mirrored or not, and 2x - 1 unless adjust is off."""
    x = np.asarray(x, np.float64)
    top = (x.shape[2] - height) // 2 if top is None else top
    left = (x.shape[3] - width) // 2 if left is None else left
    y = x[:, :, top : top + height, left : left + width]
    y = y[..., ::-1] if flip else y
    return 2 * y - 1 if adjust else y.copy()


def crop_backward(grad_y, shape, top=None, left=None, flip=False, adjust=True):
    """The derivative (Darknet has none: it stops here)."""
    grad = np.asarray(grad_y, np.float64)
    height, width = grad.shape[2:]
    top = (shape[2] - height) // 2 if top is None else top
    left = (shape[3] - width) // 2 if left is None else left
    grad_x = np.zeros(shape)
    grad = grad[..., ::-1] if flip else grad
    grad_x[:, :, top : top + height, left : left + width] = (2 if adjust else 1) * grad
    return grad_x


def dropout_forward(x, keep, probability):
    """x / (1 - probability) where `keep` is true, else 0. The backward is the same function."""
    x = np.asarray(x, np.float64)
    return np.where(keep, x / (1 - probability), 0.0)


dropout_backward = dropout_forward


def l2norm_forward(x):
    """Every pixel's vector over the channels, divided by its length."""
    x = np.asarray(x, np.float64)
    with np.errstate(invalid="ignore"):
        return x / np.sqrt((x * x).sum(1, keepdims=True))


def l2norm_backward(grad_y, x):
    """The derivative (Darknet passes the gradient through)."""
    x, grad_y = np.asarray(x, np.float64), np.asarray(grad_y, np.float64)
    length = np.sqrt((x * x).sum(1, keepdims=True))
    y = x / length
    return (grad_y - y * (grad_y * y).sum(1, keepdims=True)) / length


def sam_forward(x, source):
    """Product with an earlier layer of the same shape."""
    return np.asarray(x, np.float64) * source


def scale_channels_forward(factors, source):
    """Earlier layer times one factor per channel (batch, channels, 1, 1) or per pixel (1 plane)."""
    return np.asarray(source, np.float64) * factors


def product_backward(grad_y, first, second):
    """(grad_first, grad_second) of both products above: summed where a factor was broadcast."""

    def gather(grad, shape):
        axes = tuple(a for a in range(4) if shape[a] == 1 and grad.shape[a] != 1)
        return grad.sum(axes, keepdims=True) if axes else grad

    grad_y = np.asarray(grad_y, np.float64)
    return gather(grad_y * second, first.shape), gather(grad_y * first, second.shape)
