"""Darknet's losses, softmax and l2normalize: exact argument lists.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.errors import ArgumentError
from darkpy.kernels.boundary import (
    FloatArray,
    check,
    lib,
    no_overlap,
    no_partial_overlap,
    pointer,
    real,
    size,
)
from darkpy.kernels.flat._memory import memory, strided

__all__ = [
    "l1_cpu",
    "l2_cpu",
    "l2normalize_cpu",
    "logistic_x_ent_cpu",
    "smooth_l1_cpu",
    "softmax",
    "softmax_cpu",
    "softmax_x_ent_cpu",
]


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


def _temperature(value: object) -> float:
    checked = real("temp", value)
    if checked == 0:
        raise ArgumentError("temp must not be 0")
    return checked


def softmax(input: FloatArray, n: int, temp: float, stride: int, output: FloatArray) -> None:
    """Softmax of the n values input[0], input[stride], ..., to the same places of output."""
    checked = _temperature(temp)
    size("n", n), size("stride", stride)
    source = strided("input", input, n, stride)
    target = strided("output", output, n, stride, writable=True)
    no_partial_overlap(output=target, input=source)
    status = lib.dk_softmax_single(pointer(source), n, checked, stride, pointer(target))
    check(status, "softmax")


def softmax_cpu(
    input: FloatArray,
    n: int,
    batch: int,
    batch_offset: int,
    groups: int,
    group_offset: int,
    stride: int,
    temp: float,
    output: FloatArray,
) -> None:
    """`softmax` at ``b * batch_offset + g * group_offset`` for all b < batch, g < groups."""
    checked = _temperature(temp)
    sizes = {"n": n, "batch": batch, "groups": groups, "stride": stride}
    last = 0
    for name, value in sizes.items():
        size(name, value)
    for name, step, count in (
        ("batch_offset", batch_offset, batch),
        ("group_offset", group_offset, groups),
        ("stride", stride, n),
    ):
        last += size(name, step, 0) * (count - 1)
    source = memory("input", input, last + 1)
    target = memory("output", output, last + 1, writable=True)
    no_partial_overlap(output=target, input=source)
    steps = n, batch, batch_offset, groups, group_offset, stride
    check(lib.dk_softmax_cpu(pointer(source), *steps, checked, pointer(target)), "softmax_cpu")


def l2normalize_cpu(x: FloatArray, dx: FloatArray, batch: int, filters: int, spatial: int) -> None:
    """``x /= |x|`` over the filters, ``dx = (1 - x) / |x|``; 0 where ``|x|`` is 0."""
    count = size("batch", batch, 0) * size("filters", filters) * size("spatial", spatial)
    x, dx = memory("x", x, count, writable=True), memory("dx", dx, count, writable=True)
    no_overlap(x=x, dx=dx)
    arrays = pointer(x), pointer(dx)
    check(lib.dk_l2normalize_cpu(*arrays, batch, filters, spatial), "l2normalize_cpu")
