"""Darknet's activation functions in ONNX's operations."""

from __future__ import annotations

from collections.abc import Callable

from darkpy.export.graph import Graph

__all__ = ["activate"]


def activate(graph: Graph, x: str, kind: str) -> str:
    """Add the activation called `kind`, as a section's ``activation`` key names it, to `x`."""
    return _ACTIVATIONS[kind](graph, x)


def _loggy(g: Graph, x: str) -> str:
    return g.affine(g.add("Sigmoid", x), 2, -1)


def _ramp(g: Graph, x: str) -> str:
    """Slope 1.1 above 0, .1 below."""
    return g.affine(g.add("LeakyRelu", x, alpha=0.1 / 1.1), 1.1)


def _plse(g: Graph, x: str) -> str:
    """Slope 1/8 in -4 .. 4, 1/100 outside."""
    inner = g.clip(x, -4, 4)
    outer = g.affine(g.add("Sub", x, inner), 0.01)
    return g.add("Add", g.affine(inner, 0.125, 0.5), outer)


def _stair(g: Graph, x: str) -> str:
    """With n = floor(x): floor(x / 2), plus x - n where n is odd."""
    n = g.add("Floor", x)
    half = g.add("Floor", g.affine(x, 0.5))
    odd = g.add("Sub", n, g.affine(half, 2))
    return g.add("Add", half, g.add("Mul", odd, g.add("Sub", x, n)))


def _lhtan(g: Graph, x: str) -> str:
    """Slope 1 in 0 .. 1, 1/1000 outside."""
    inner = g.clip(x, 0, 1)
    return g.add("Add", inner, g.affine(g.add("Sub", x, inner), 0.001))


def _swish(g: Graph, x: str) -> str:
    return g.add("Mul", x, g.add("Sigmoid", x))


def _mish(g: Graph, x: str) -> str:
    return g.add("Mul", x, g.add("Tanh", g.add("Softplus", x)))


def _hard_mish(g: Graph, x: str) -> str:
    """Return x above 0, x^2 / 2 + x down to -2, else 0."""
    negative = g.clip(x, -2, 0)
    curve = g.add("Mul", negative, g.affine(negative, 0.5, 1))
    return g.add("Add", g.add("Relu", x), curve)


def _gelu(g: Graph, x: str) -> str:
    """.5 x (1 + tanh(.797885 x + .035677 x^3))."""
    inner = g.add("Mul", x, g.affine(g.add("Mul", x, x), 0.035677, 0.797885))
    return g.add("Mul", x, g.affine(g.add("Tanh", inner), 0.5, 0.5))


def _share(g: Graph, p: str) -> str:
    """Return p / (sum over the channels of p + 1e-4)."""
    total = g.add("ReduceSum", p, g.constant("axes", [1]), keepdims=1)
    return g.add("Div", p, g.affine(total, 1, 1e-4))


def _normalize_channels_softmax(g: Graph, x: str) -> str:
    """e^x's share, with both sides times e^-m where m = max(0, largest x): no x overflows."""
    m = g.add("Relu", g.add("ReduceMax", x, axes=[1], keepdims=1))
    p = g.add("Exp", g.add("Sub", x, m))
    total = g.add("ReduceSum", p, g.constant("axes", [1]), keepdims=1)
    epsilon = g.affine(g.add("Exp", g.add("Neg", m)), 1e-4)
    return g.add("Div", p, g.add("Add", total, epsilon))


def _normalize_channels_softmax_maxval(g: Graph, x: str) -> str:
    largest = g.add("ReduceMax", x, axes=[1], keepdims=1)
    return _share(g, g.add("Exp", g.add("Sub", x, largest)))


_ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "linear": lambda g, x: x,
    "logistic": lambda g, x: g.add("Sigmoid", x),
    "loggy": _loggy,
    "relu": lambda g, x: g.add("Relu", x),
    "relu6": lambda g, x: g.clip(x, 0, 6),
    "relie": lambda g, x: g.add("LeakyRelu", x, alpha=0.01),
    "ramp": _ramp,
    "leaky": lambda g, x: g.add("LeakyRelu", x, alpha=0.1),
    "revleaky": lambda g, x: g.add("LeakyRelu", x, alpha=0.1),
    "tanh": lambda g, x: g.add("Tanh", x),
    "elu": lambda g, x: g.add("Elu", x, alpha=1.0),
    "selu": lambda g, x: g.add("Selu", x, alpha=1.6732, gamma=1.0507),
    "plse": _plse,
    "stair": _stair,
    "hardtan": lambda g, x: g.clip(x, -1, 1),
    "lhtan": _lhtan,
    "swish": _swish,
    "mish": _mish,
    "hard_mish": _hard_mish,
    "gelu": _gelu,
    "normalize_channels": lambda g, x: _share(g, g.add("Relu", x)),
    "normalize_channels_softmax": _normalize_channels_softmax,
    "normalize_channels_softmax_maxval": _normalize_channels_softmax_maxval,
}
