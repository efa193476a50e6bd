"""Local response normalisation over channels, as AlexNet's paper writes it.

n_k = kappa + alpha * sum of x_j^2 over j in [k - (size-1)//2, k + size//2], y = x * n^-beta.
Darknet's own code drops one channel from the sum and half of the gradient; this is the right one.
"""

from __future__ import annotations

import numpy as np


def _window_sum(values, before: int, after: int):
    """sum over channels k - before .. k + after, those that exist."""
    total = np.zeros_like(values)
    channels = values.shape[1]
    for k in range(channels):
        total[:, k] = values[:, max(0, k - before) : k + after + 1].sum(1)
    return total


def lrn_forward(x, size=5, alpha=1e-4, beta=0.75, kappa=1.0):
    """(y, norms)."""
    x = np.asarray(x, np.float64)
    norms = kappa + alpha * _window_sum(x * x, (size - 1) // 2, size // 2)
    return x * norms**-beta, norms


def lrn_backward(grad_y, x, norms, size=5, alpha=1e-4, beta=0.75):
    """The whole derivative: the sum runs over the outputs whose window holds the channel."""
    x, grad_y = np.asarray(x, np.float64), np.asarray(grad_y, np.float64)
    shared = _window_sum(grad_y * x * norms ** (-beta - 1), size // 2, (size - 1) // 2)
    return grad_y * norms**-beta - 2 * alpha * beta * x * shared
