"""Fully connected layer: Darknet keeps the weights as (outputs, inputs)."""

from __future__ import annotations

import numpy as np


def connected_forward(x, weights, biases=None):
    """y = x @ weights.T + biases, with x flattened to (batch, inputs)."""
    x = np.asarray(x, np.float64).reshape(len(x), -1)
    y = x @ np.asarray(weights, np.float64).T
    return y if biases is None else y + np.asarray(biases, np.float64)


def connected_backward(grad_y, x, weights):
    """(grad_x in the shape of x, grad_weights, grad_biases)."""
    grad_y = np.asarray(grad_y, np.float64)
    flat = np.asarray(x, np.float64).reshape(len(x), -1)
    grad_x = (grad_y @ np.asarray(weights, np.float64)).reshape(np.shape(x))
    return grad_x, grad_y.T @ flat, grad_y.sum(0)
