"""Locally connected layer: a convolution whose weights differ at every output position."""

from __future__ import annotations

import numpy as np

from .convolution import output_size


def _columns(x, size, stride, pad):
    """(batch, locations, channels*size*size): the window of each output, rows (c, i, j)."""
    batch, _, height, width = x.shape
    out_h = output_size(height, size, stride, pad)
    out_w = output_size(width, size, stride, pad)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (2, 3))
    windows = windows[:, :, ::stride, ::stride][:, :, :out_h, :out_w]
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(batch, out_h * out_w, -1)
    return columns, out_h, out_w


def local_forward(x, weights, biases, size, stride=1, pad=0):
    """weights: (locations, filters, channels*size*size); biases: (filters*locations,).

    `pad` pixels on each side (Darknet's flag pad=1 is right only where it means (size-1)/2).
    """
    columns, out_h, out_w = _columns(np.asarray(x, np.float64), size, stride, pad)
    y = np.einsum("lfk,blk->bfl", weights, columns, optimize=True)
    filters = y.shape[1]
    y = y + np.asarray(biases, np.float64).reshape(filters, -1)
    return y.reshape(len(x), filters, out_h, out_w)


def local_backward(grad_y, x, weights, size, stride=1, pad=0):
    """(grad_x, grad_weights, grad_biases) of `local_forward`."""
    x = np.asarray(x, np.float64)
    batch, channels, height, width = x.shape
    columns, out_h, out_w = _columns(x, size, stride, pad)
    grad = np.asarray(grad_y, np.float64).reshape(batch, -1, out_h * out_w)
    grad_weights = np.einsum("bfl,blk->lfk", grad, columns, optimize=True)
    grad_columns = np.einsum("lfk,bfl->bkl", weights, grad, optimize=True)
    grad_columns = grad_columns.reshape(batch, channels, size, size, out_h, out_w)
    grad_padded = np.zeros((batch, channels, height + 2 * pad, width + 2 * pad))
    for i in range(size):
        for j in range(size):
            rows = slice(i, i + (out_h - 1) * stride + 1, stride)
            cols = slice(j, j + (out_w - 1) * stride + 1, stride)
            grad_padded[:, :, rows, cols] += grad_columns[:, :, i, j]
    grad_x = grad_padded[:, :, pad : pad + height, pad : pad + width]
    return grad_x, grad_weights, grad.sum(0).reshape(-1)
