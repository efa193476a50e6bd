"""Convolution (cross-correlation) with groups, stride, padding and dilation."""

from __future__ import annotations

import numpy as np


def pair(value) -> tuple[int, int]:
    """One number for both axes, or (vertical, horizontal)."""
    return (value, value) if np.isscalar(value) else (int(value[0]), int(value[1]))


def output_size(size: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    """Outputs along one axis when `pad` pixels stand on each side."""
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


def _tap(padded, i, j, out_h, out_w, stride, dilation):
    """The pixel under kernel tap (i, j) for every output: a view into the padded image."""
    top, left = i * dilation[0], j * dilation[1]
    return padded[
        :,
        :,
        top : top + (out_h - 1) * stride[0] + 1 : stride[0],
        left : left + (out_w - 1) * stride[1] + 1 : stride[1],
    ]


def convolution_forward(x, weights, biases=None, stride=1, pad=0, dilation=1, groups=1):
    """y[b,k,y,x] = sum w[k,c,i,j] * x[b, group's c, y*s - p + i*d, x*s - p + j*d] + bias[k].

    weights: (filters, channels/groups, kernel_h, kernel_w). stride, pad and dilation are one
    number or (vertical, horizontal). Pixels outside are 0.
    """
    x, weights = np.asarray(x, np.float64), np.asarray(weights, np.float64)
    stride, pad, dilation = pair(stride), pair(pad), pair(dilation)
    batch, _, height, width = x.shape
    filters, per_group, kernel_h, kernel_w = weights.shape
    out_h = output_size(height, kernel_h, stride[0], pad[0], dilation[0])
    out_w = output_size(width, kernel_w, stride[1], pad[1], dilation[1])
    padded = np.pad(x, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    grouped = weights.reshape(groups, filters // groups, per_group, kernel_h, kernel_w)
    y = np.zeros((batch, groups, filters // groups, out_h * out_w))
    for i in range(kernel_h):
        for j in range(kernel_w):
            pixels = _tap(padded, i, j, out_h, out_w, stride, dilation)
            y += grouped[:, :, :, i, j] @ pixels.reshape(batch, groups, per_group, -1)
    y = y.reshape(batch, filters, out_h, out_w)
    return y if biases is None else y + np.asarray(biases, np.float64)[:, None, None]


def convolution_backward(grad_y, x, weights, stride=1, pad=0, dilation=1, groups=1):
    """(grad_x, grad_weights, grad_biases) of `convolution_forward`."""
    x, weights = np.asarray(x, np.float64), np.asarray(weights, np.float64)
    grad_y = np.asarray(grad_y, np.float64)
    stride, pad, dilation = pair(stride), pair(pad), pair(dilation)
    batch, _, height, width = x.shape
    filters, per_group, kernel_h, kernel_w = weights.shape
    out_h, out_w = grad_y.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    grad_padded = np.zeros_like(padded)
    grad_weights = np.zeros_like(weights)
    grouped = weights.reshape(groups, filters // groups, per_group, kernel_h, kernel_w)
    grad = grad_y.reshape(batch, groups, filters // groups, out_h * out_w)
    for i in range(kernel_h):
        for j in range(kernel_w):
            pixels = _tap(padded, i, j, out_h, out_w, stride, dilation)
            pixels = pixels.reshape(batch, groups, per_group, -1)
            grad_tap = (grad @ pixels.transpose(0, 1, 3, 2)).sum(0)
            grad_weights[:, :, i, j] = grad_tap.reshape(filters, per_group)
            back = grouped[:, :, :, i, j].transpose(0, 2, 1) @ grad
            target = _tap(grad_padded, i, j, out_h, out_w, stride, dilation)
            target += back.reshape(target.shape)
    grad_x = grad_padded[:, :, pad[0] : pad[0] + height, pad[1] : pad[1] + width]
    return grad_x, grad_weights, grad_y.sum((0, 2, 3))
