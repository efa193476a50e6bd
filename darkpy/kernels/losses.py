"""Darknet's losses, element by element: the cost of each value, and the delta of the prediction.

``e = truth - pred``.  Every function returns ``(delta, error)``: new arrays, or those that were
passed, overwritten.  All arrays have the same shape, which may be any.  ln(p) is computed of
max(p, 1.18e-38): a probability of 0 costs 87.3, not infinity.
Error: 3 units in the last place of each term.  The bits do not depend on the number of threads.
"""

from __future__ import annotations

from darkpy.engine.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_overlap,
    no_partial_overlap,
    output_array,
    pointer,
)

__all__ = [
    "l1_cpu",
    "l2_cpu",
    "logistic_x_ent_cpu",
    "smooth_l1_cpu",
    "softmax_x_ent_cpu",
]


def _loss(
    kernel: str, pred: object, truth: object, delta: object, error: object
) -> tuple[FloatArray, FloatArray]:
    p = float_array("pred", pred)
    t = float_array("truth", truth, p.shape)
    d, e = output_array("delta", delta, p.shape), output_array("error", error, p.shape)
    no_partial_overlap(delta=d, pred=p, truth=t)
    no_partial_overlap(error=e, pred=p, truth=t)
    no_overlap(delta=d, error=e)
    arrays = [pointer(array) for array in (p, t, d, e)]
    check(getattr(lib, f"dk_{kernel}")(p.size, *arrays), kernel)
    return d, e


def l2_cpu(
    pred: FloatArray,
    truth: FloatArray,
    *,
    delta: FloatArray | None = None,
    error: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Squared error: ``delta = e``, ``error = e**2`` (the delta is half the derivative).

    Source: Darknet `blas.c` l2_cpu.
    """
    return _loss("l2_cpu", pred, truth, delta, error)


def l1_cpu(
    pred: FloatArray,
    truth: FloatArray,
    *,
    delta: FloatArray | None = None,
    error: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Absolute error: ``delta = 1 where e > 0, else -1``, ``error = |e|``.

    Source: Darknet `blas.c` l1_cpu.
    """
    return _loss("l1_cpu", pred, truth, delta, error)


def smooth_l1_cpu(
    pred: FloatArray,
    truth: FloatArray,
    *,
    delta: FloatArray | None = None,
    error: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Squared error near 0, absolute further out.

    ``delta = e``, ``error = e**2`` within 1, else ``delta = sign(e)``, ``error = 2|e| - 1``.

    Source: Darknet `blas.c` smooth_l1_cpu, whose sign is wrong beyond 1.
    """
    return _loss("smooth_l1_cpu", pred, truth, delta, error)


def softmax_x_ent_cpu(
    pred: FloatArray,
    truth: FloatArray,
    *,
    delta: FloatArray | None = None,
    error: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Cross entropy of a softmax: ``error = -truth ln(pred)``; ``delta = e`` is that of its input.

    Where truth is -1234 (no label) both are 0.
    Source: Darknet `blas.c` softmax_x_ent_cpu, which does not multiply by the truth: the same for
    truths of 0 and 1.
    """
    return _loss("softmax_x_ent_cpu", pred, truth, delta, error)


def logistic_x_ent_cpu(
    pred: FloatArray,
    truth: FloatArray,
    *,
    delta: FloatArray | None = None,
    error: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Cross entropy of a logistic function; ``delta = e`` is that of its input.

    ``error = -truth ln(pred) - (1-truth) ln(1-pred)``.

    Source: Darknet `blas.c` logistic_x_ent_cpu.
    """
    return _loss("logistic_x_ent_cpu", pred, truth, delta, error)
