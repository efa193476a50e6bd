"""Darknet's softmax: exact argument lists.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import (
    FloatArray,
    check,
    lib,
    no_partial_overlap,
    pointer,
    real,
    size,
)
from darkpy.errors import ArgumentError
from darkpy.kernels.darknet_calls._arguments import memory, strided

__all__ = ["softmax", "softmax_cpu"]


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
