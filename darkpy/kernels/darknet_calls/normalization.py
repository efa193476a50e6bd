"""Darknet's l2normalize_cpu: its exact argument list, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer, size
from darkpy.kernels.darknet_calls._arguments import memory

__all__ = ["l2normalize_cpu"]


def l2normalize_cpu(x: FloatArray, dx: FloatArray, batch: int, filters: int, spatial: int) -> None:
    """``x /= |x|`` over the filters, ``dx = (1 - x) / |x|``; 0 where ``|x|`` is 0."""
    count = size("batch", batch, 0) * size("filters", filters) * size("spatial", spatial)
    x, dx = memory("x", x, count, writable=True), memory("dx", dx, count, writable=True)
    no_overlap(x=x, dx=dx)
    arrays = pointer(x), pointer(dx)
    check(lib.dk_l2normalize_cpu(*arrays, batch, filters, spatial), "l2normalize_cpu")
