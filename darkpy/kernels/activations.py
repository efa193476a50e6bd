"""Darknet's activations (activations.c) on arrays of any shape.

========= ================================================= ===================================
name      f(x)                                              g, from the output y unless said
========= ================================================= ===================================
linear    x                                                 1
logistic  1 / (1 + e^-x)                                    y (1 - y)
loggy     2 / (1 + e^-x) - 1                                (1 - y^2) / 2
relu      max(x, 0)                                         y > 0
relu6     min(max(x, 0), 6)                                 0 < y < 6
relie     x > 0: x, else .01 x                              y > 0: 1, else .01
ramp      max(x, 0) + .1 x                                  [y > 0] + .1
leaky     x > 0: x, else .1 x (revleaky: the same)          y > 0: 1, else .1
tanh      tanh(x)                                           1 - y^2
elu       x >= 0: x, else e^x - 1                           y >= 0: 1, else y + 1
selu      1.0507 (x >= 0: x, else 1.6732 (e^x - 1))         y >= 0: 1.0507, else y + 1.7580
plse      x < -4: .01(x+4); x > 4: .01(x-4)+1; else x/8+.5  y < 0 or y > 1: .01, else .125
stair     n = floor(x) even: floor(x/2), else x-n+that      whole y: 0, else 1
hardtan   min(max(x, -1), 1)                                -1 < y < 1
lhtan     x < 0: .001 x; x > 1: .001(x-1)+1; else x         0 < y < 1: 1, else .001
swish     x s, s = 1 / (1 + e^-x)                           from x: s + x s (1 - s)
mish      x tanh(ln(1 + e^x))                               from x: the derivative
hard_mish x > 0: x; x > -2: x^2/2 + x; else 0               from x: 1; x + 1; 0
gelu      .5 x (1 + tanh(.797885 x + .035677 x^3))          from x: the derivative
========= ================================================= ===================================

NaN stays NaN, and infinities do not become NaN.  The bits do not depend on the number of threads.
Error: 6 units in the last place; stair one of max(abs(x), 1), gelu four of abs(x).
"""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_partial_overlap,
    output_array,
    pointer,
)
from darkpy.engine.enums import ACTIVATIONS
from darkpy.errors import ArgumentError

__all__ = [
    "ACTIVATIONS",
    "activate",
    "activate_array",
    "gradient",
    "gradient_array",
    "gradient_needs_input",
]


def activation_kind(name: object) -> int:
    """Return the C core's number of an activation, or raise ArgumentError naming what exists."""
    if name not in ACTIVATIONS:
        raise ArgumentError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS.index(str(name))


def gradient_needs_input(activation: str) -> bool:
    """Whether `gradient_array` needs the input (swish, mish, hard_mish, gelu), not the output."""
    return bool(lib.dk_activation_needs_input(activation_kind(activation)))


def activate_array(x: FloatArray, activation: str, *, out: FloatArray | None = None) -> FloatArray:
    """Apply an activation: ``out = f(x)``.

    Parameters
    ----------
    x : ndarray of float32, any shape
    activation : str
        A name of the table above.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `x` itself (in place), as in Darknet.

    Returns
    -------
    ndarray of float32, shape of x

    Raises
    ------
    ArgumentError
        An unknown activation.
    ShapeError, DTypeError
        A wrong array; the text names it.

    Notes
    -----
    Source: Darknet `activations.c` activate_array.
    """
    kind = activation_kind(activation)
    x = float_array("x", x)
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x)
    check(lib.dk_activation_forward(pointer(x), x.size, kind, pointer(result)), "activate_array")
    return result


def gradient_array(
    saved: FloatArray, activation: str, delta: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Multiply by an activation's gradient: ``out = delta * g(saved)``.

    Parameters
    ----------
    saved : ndarray of float32, any shape
        The activation's output, or its input where `gradient_needs_input`.
    activation : str
        A name of the table above.
    delta : ndarray of float32, shape of saved
    out : ndarray of float32, shape of saved, optional
        Overwritten; may be `delta` itself (in place), as in Darknet.

    Returns
    -------
    ndarray of float32, shape of saved

    Notes
    -----
    Source: Darknet `activations.c` gradient_array, which puts gelu's output into a formula of the
    input; here gelu has its derivative.
    """
    kind = activation_kind(activation)
    saved = float_array("saved", saved)
    delta = float_array("delta", delta, saved.shape)
    result = output_array("out", out, saved.shape)
    no_partial_overlap(out=result, saved=saved, delta=delta)
    arrays = pointer(saved), saved.size, kind, pointer(delta), pointer(result)
    check(lib.dk_activation_backward(*arrays), "gradient_array")
    return result


def activate(x: float, activation: str) -> float:
    """Return f(x) of one number, in float32.  Source: Darknet `activations.c` activate."""
    return float(activate_array(np.array([x], np.float32), activation)[0])


def gradient(saved: float, activation: str) -> float:
    """Return g(saved) of one number, in float32.  Source: Darknet `activations.c` gradient."""
    value = np.array([saved], np.float32)
    return float(gradient_array(value, activation, np.ones(1, np.float32))[0])
