"""Batch normalisation in Darknet's forms. x is (batch, channels, ...); M = batch * spatial.

========== ================ ======================= =====================================
form       batch variance   denominator             backward
========== ================ ======================= =====================================
pjreddie   divisor M - 1    sqrt(v) + 1e-6          `batchnorm_backward`: Darknet's chain
alexeyab   divisor M - 1    sqrt(v + 1e-5)          `batchnorm_backward`: Darknet's chain
cudnn      divisor M        sqrt(v + 1e-5)          `batchnorm_backward_exact`
========== ================ ======================= =====================================
"""

from __future__ import annotations

import numpy as np

FORMS = ("pjreddie", "alexeyab", "cudnn")


def _axes(x) -> tuple[int, ...]:
    return (0, *range(2, np.ndim(x)))


def _wide(values, x):
    """A per-channel vector, shaped to broadcast over x."""
    return np.asarray(values, np.float64).reshape(1, -1, *([1] * (np.ndim(x) - 2)))


def _count(x) -> int:
    return x.size // x.shape[1]


def _denominator(variance, form: str):
    return np.sqrt(variance) + 1e-6 if form == "pjreddie" else np.sqrt(variance + 1e-5)


def batch_statistics(x, form: str = "pjreddie"):
    """(mean, variance) per channel; a single value per channel has variance 0 (not 0/0)."""
    x = np.asarray(x, np.float64)
    mean = x.mean(_axes(x))
    squares = ((x - _wide(mean, x)) ** 2).sum(_axes(x))
    divisor = _count(x) if form == "cudnn" else _count(x) - 1
    return mean, squares / max(divisor, 1)


def batchnorm_forward_inference(x, scales, biases, mean, variance, form: str = "pjreddie"):
    """y = scales * (x - mean) / denominator(variance) + biases."""
    x = np.asarray(x, np.float64)
    x_hat = (x - _wide(mean, x)) / _wide(_denominator(np.asarray(variance, float), form), x)
    return _wide(scales, x) * x_hat + _wide(biases, x)


def batchnorm_forward_train(x, scales, biases, form: str = "pjreddie"):
    """(y, x_hat, mean, variance) with the statistics of this batch."""
    x = np.asarray(x, np.float64)
    mean, variance = batch_statistics(x, form)
    x_hat = (x - _wide(mean, x)) / _wide(_denominator(variance, form), x)
    return _wide(scales, x) * x_hat + _wide(biases, x), x_hat, mean, variance


def rolling_update(rolling, batch_value, factor: float = 0.01):
    """(1 - factor) * rolling + factor * batch_value."""
    return (1 - factor) * np.asarray(rolling, np.float64) + factor * batch_value


def batchnorm_backward(grad_y, x, x_hat, mean, variance, scales):
    """(grad_x, grad_scales, grad_biases) by Darknet's chain.

    Epsilon 1e-5 inside the root and divisor M, whatever the forward used: not quite the
    derivative of the forward, and kept so because Darknet trains with it.
    """
    x, grad_y = np.asarray(x, np.float64), np.asarray(grad_y, np.float64)
    axes, count = _axes(x), _count(x)
    grad_biases = grad_y.sum(axes)
    grad_scales = (grad_y * x_hat).sum(axes)
    grad = grad_y * _wide(scales, x)
    root = np.sqrt(np.asarray(variance, np.float64) + 1e-5)
    centred = x - _wide(mean, x)
    grad_mean = -grad.sum(axes) / root
    grad_variance = -0.5 * root**-3 * (grad * centred).sum(axes)
    grad_x = (
        grad / _wide(root, x)
        + _wide(grad_variance, x) * 2 * centred / count
        + _wide(grad_mean, x) / count
    )
    return grad_x, grad_scales, grad_biases


def batchnorm_backward_exact(grad_y, x_hat, variance, scales):
    """(grad_x, grad_scales, grad_biases): the derivative of the cudnn form."""
    grad_y = np.asarray(grad_y, np.float64)
    axes, count = _axes(x_hat), _count(x_hat)
    grad_biases = grad_y.sum(axes)
    grad_scales = (grad_y * x_hat).sum(axes)
    root = np.sqrt(np.asarray(variance, np.float64) + 1e-5)
    grad_x = _wide(np.asarray(scales, np.float64) / root, x_hat) * (
        grad_y - _wide(grad_biases / count, x_hat) - x_hat * _wide(grad_scales / count, x_hat)
    )
    return grad_x, grad_scales, grad_biases
