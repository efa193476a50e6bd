"""Weight updates on the engine's own arrays; formulas in csrc/engine/optimiser.h."""

from __future__ import annotations

from darkpy.engine import boundary
from darkpy.engine.boundary import FloatArray, lib, pointer

__all__ = ["adam_update", "sgd_update"]


def sgd_update(
    weights: FloatArray, updates: FloatArray, *, rate: float, momentum: float, decay: float
) -> bool:
    """Darknet's SGD with momentum, in place; return whether all weights are finite.

    updates -= decay * weights; weights += rate * updates; updates *= momentum.
    """
    status = lib.dk_sgd_update(
        weights.size, pointer(weights), pointer(updates), rate, momentum, decay
    )
    return _is_finite(status, "dk_sgd_update")


def adam_update(
    weights: FloatArray,
    updates: FloatArray,
    mean: FloatArray,
    square: FloatArray,
    *,
    rate: float,
    b1: float,
    b2: float,
    eps: float,
    decay: float,
    step: int,
) -> bool:
    """Darknet's Adam, in place; return whether all weights are finite.

    `step` is 1 for the first update; `updates` becomes 0.
    """
    arrays = pointer(weights), pointer(updates), pointer(mean), pointer(square)
    status = lib.dk_adam_update(weights.size, *arrays, rate, b1, b2, eps, decay, step)
    return _is_finite(status, "dk_adam_update")


def _is_finite(status: int, kernel: str) -> bool:
    """Tell the one status that is no mistake of the caller's."""
    if status == lib.DK_NOT_FINITE:
        return False
    boundary.check(status, kernel)
    return True
