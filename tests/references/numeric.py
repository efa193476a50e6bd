"""Finite differences: how the references themselves are checked."""

from __future__ import annotations

import numpy as np


def numerical_gradient(function, x, step=1e-5):
    """Central differences of a scalar function with respect to every entry of x (float64)."""
    x = np.array(x, np.float64)
    grad = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        middle = x[index]
        x[index] = middle + step
        above = function(x)
        x[index] = middle - step
        below = function(x)
        x[index] = middle
        grad[index] = (above - below) / (2 * step)
    return grad


def assert_is_gradient(function, x, grad, rtol=1e-6, atol=1e-7, step=1e-5):
    """`grad` is the derivative of the scalar `function` at x."""
    np.testing.assert_allclose(grad, numerical_gradient(function, x, step), rtol, atol)


def spread(rng, shape, gap=0.05):
    """Values in random order, all at least `gap` apart and as far from 0: no tie, no kink."""
    size = int(np.prod(shape))
    values = (np.arange(size) - size // 2 + 0.5) * 2 * gap
    return rng.permutation(values).reshape(shape)
