"""Darknet's losses: exact argument lists, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer, size
from darkpy.kernels.darknet_calls._arguments import memory

__all__ = ["l1_cpu", "l2_cpu", "logistic_x_ent_cpu", "smooth_l1_cpu", "softmax_x_ent_cpu"]


def _loss(kernel: str, n: int, pred: object, truth: object, delta: object, error: object) -> None:
    count = size("n", n, 0)
    p, t = memory("pred", pred, count), memory("truth", truth, count)
    d = memory("delta", delta, count, writable=True)
    e = memory("error", error, count, writable=True)
    no_overlap(delta=d, pred=p, truth=t, error=e)
    no_overlap(error=e, pred=p, truth=t)
    arrays = [pointer(array) for array in (p, t, d, e)]
    check(getattr(lib, f"dk_{kernel}")(n, *arrays), kernel)


def l2_cpu(
    n: int, pred: FloatArray, truth: FloatArray, delta: FloatArray, error: FloatArray
) -> None:
    """``delta = truth - pred``, ``error = delta**2``."""
    _loss("l2_cpu", n, pred, truth, delta, error)


def l1_cpu(
    n: int, pred: FloatArray, truth: FloatArray, delta: FloatArray, error: FloatArray
) -> None:
    """``delta = 1 where truth > pred, else -1``, ``error = |truth - pred|``."""
    _loss("l1_cpu", n, pred, truth, delta, error)


def smooth_l1_cpu(
    n: int, pred: FloatArray, truth: FloatArray, delta: FloatArray, error: FloatArray
) -> None:
    """As `l2_cpu` within 1, else ``delta = sign(e)``, ``error = 2|e| - 1``, e = truth - pred."""
    _loss("smooth_l1_cpu", n, pred, truth, delta, error)


def softmax_x_ent_cpu(
    n: int, pred: FloatArray, truth: FloatArray, delta: FloatArray, error: FloatArray
) -> None:
    """``delta = truth - pred``, ``error = -truth ln(pred)``."""
    _loss("softmax_x_ent_cpu", n, pred, truth, delta, error)


def logistic_x_ent_cpu(
    n: int, pred: FloatArray, truth: FloatArray, delta: FloatArray, error: FloatArray
) -> None:
    """``delta = truth - pred``, ``error = -truth ln(pred) - (1-truth) ln(1-pred)``."""
    _loss("logistic_x_ent_cpu", n, pred, truth, delta, error)
