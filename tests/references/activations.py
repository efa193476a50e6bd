"""Darknet's activations. The gradient is a function of the output, except for `KEEPS_INPUT`."""

from __future__ import annotations

import numpy as np

SELU_SCALE, SELU_ALPHA = 1.0507, 1.6732
GELU_LINEAR, GELU_CUBIC = 0.797885, 0.035677


def _logistic(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def _exp_minus_one(x):
    """e^x - 1 left of 0; the right side never matters and must not overflow."""
    return np.expm1(np.minimum(x, 0))


def _stair(x):
    floor = np.floor(x)
    return np.where(floor % 2 == 0, np.floor(x / 2), (x - floor) + np.floor(x / 2))


def _plse(x):
    return np.where(x < -4, 0.01 * (x + 4), np.where(x > 4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5))


def _lhtan(x):
    return np.where(x < 0, 0.001 * x, np.where(x > 1, 0.001 * (x - 1) + 1, x))


def _softplus(x):
    return np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20))))


def _hard_mish(x):
    return np.where(x > 0, x, np.where(x > -2, x * x / 2 + x, 0.0))


def _gelu(x):
    return 0.5 * x * (1 + np.tanh(GELU_LINEAR * x + GELU_CUBIC * x**3))


FORWARD = {
    "linear": lambda x: x * 1.0,
    "logistic": _logistic,
    "loggy": lambda x: 2 * _logistic(x) - 1,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "relu6": lambda x: np.minimum(np.maximum(x, 0), 6),
    "relie": lambda x: np.where(x > 0, x, 0.01 * x),
    "ramp": lambda x: x * (x > 0) + 0.1 * x,
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "revleaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "tanh": np.tanh,
    "elu": lambda x: np.where(x >= 0, x, _exp_minus_one(x)),
    "selu": lambda x: np.where(x >= 0, SELU_SCALE * x, SELU_SCALE * SELU_ALPHA * _exp_minus_one(x)),
    "plse": _plse,
    "stair": _stair,
    "hardtan": lambda x: np.clip(x, -1, 1),
    "lhtan": _lhtan,
    "swish": lambda x: x * _logistic(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "hard_mish": _hard_mish,
    "gelu": _gelu,
}


def _loggy_gradient(y):
    q = (y + 1) / 2
    return 2 * q * (1 - q)


def _swish_gradient(x):
    sigma = _logistic(x)
    y = x * sigma
    return y + sigma * (1 - y)


def _mish_gradient(x):
    tanh = np.tanh(_softplus(x))
    return tanh + x * (1 - tanh * tanh) * _logistic(x)


def _gelu_gradient(x):
    inner = np.tanh(GELU_LINEAR * x + GELU_CUBIC * x**3)
    slope = GELU_LINEAR + 3 * GELU_CUBIC * x * x
    return 0.5 * (1 + inner) + 0.5 * x * (1 - inner * inner) * slope


GRADIENT = {
    "linear": lambda y: np.ones_like(y),
    "logistic": lambda y: y * (1 - y),
    "loggy": _loggy_gradient,
    "relu": lambda y: (y > 0) * 1.0,
    "relu6": lambda y: ((y > 0) & (y < 6)) * 1.0,
    "relie": lambda y: np.where(y > 0, 1.0, 0.01),
    "ramp": lambda y: (y > 0) + 0.1,
    "leaky": lambda y: np.where(y > 0, 1.0, 0.1),
    "revleaky": lambda y: np.where(y > 0, 1.0, 0.1),
    "tanh": lambda y: 1 - y * y,
    "elu": lambda y: np.where(y >= 0, 1.0, y + 1),
    "selu": lambda y: np.where(y >= 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    "plse": lambda y: np.where((y < 0) | (y > 1), 0.01, 0.125),
    "stair": lambda y: np.where(np.floor(y) == y, 0.0, 1.0),
    "hardtan": lambda y: ((y > -1) & (y < 1)) * 1.0,
    "lhtan": lambda y: np.where((y > 0) & (y < 1), 1.0, 0.001),
    "swish": _swish_gradient,
    "mish": _mish_gradient,
    "hard_mish": lambda x: np.where(x > 0, 1.0, np.where(x > -2, x + 1, 0.0)),
    "gelu": _gelu_gradient,
}

KEEPS_INPUT = frozenset({"swish", "mish", "hard_mish", "gelu"})
"""The gradient of these is a function of the input, not of the output."""

OVER_CHANNELS = (
    "normalize_channels",
    "normalize_channels_softmax",
    "normalize_channels_softmax_maxval",
)
"""These mix the channels of a pixel: use `activation_forward` and `activation_backward`."""

NAMES = (*FORWARD, *OVER_CHANNELS)


def activate(name: str, x):
    """f(x), element by element."""
    return FORWARD[name](np.asarray(x, np.float64))


def gradient(name: str, kept):
    """f' from what is kept: the output, or the input for `KEEPS_INPUT`."""
    return GRADIENT[name](np.asarray(kept, np.float64))


def activation_forward(name: str, x):
    """f(x) for every name; channels are axis 1."""
    x = np.asarray(x, np.float64)
    if name not in OVER_CHANNELS:
        return activate(name, x)
    if name == "normalize_channels":
        positive = np.maximum(x, 0)
    elif name.endswith("maxval"):
        positive = np.exp(x - x.max(1, keepdims=True))
    else:
        positive = np.exp(x)
    return positive / (positive.sum(1, keepdims=True) + 1e-4)


def activation_backward(name: str, grad_y, x, y):
    """grad_y through f; for the names over channels the true derivative (the maximum constant)."""
    grad_y, x = np.asarray(grad_y, np.float64), np.asarray(x, np.float64)
    if name not in OVER_CHANNELS:
        return grad_y * gradient(name, x if name in KEEPS_INPUT else y)
    mixed = (grad_y * y).sum(1, keepdims=True)
    if name == "normalize_channels":
        total = np.maximum(x, 0).sum(1, keepdims=True) + 1e-4
        return (x > 0) * (grad_y - mixed) / total
    return y * (grad_y - mixed)
