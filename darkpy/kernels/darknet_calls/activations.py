"""Darknet's activate_array and gradient_array: exact argument lists, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer, size
from darkpy.kernels.activations import activation_kind
from darkpy.kernels.darknet_calls._arguments import memory

__all__ = ["activate_array", "gradient_array"]


def activate_array(x: FloatArray, n: int, a: str) -> None:
    """``x = f(x)``; `a` is the activation's name."""
    x = memory("x", x, size("n", n, 0), writable=True)
    check(lib.dk_activate_array(pointer(x), n, activation_kind(a)), "activate_array")


def gradient_array(x: FloatArray, n: int, a: str, delta: FloatArray) -> None:
    """``delta *= g(x)``: x is the output, or the input for swish, mish, hard_mish and gelu."""
    x = memory("x", x, size("n", n, 0))
    delta = memory("delta", delta, n, writable=True)
    no_overlap(delta=delta, x=x)
    kind = activation_kind(a)
    check(lib.dk_gradient_array(pointer(x), n, kind, pointer(delta)), "gradient_array")
