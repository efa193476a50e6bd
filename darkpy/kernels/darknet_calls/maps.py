"""Darknet's blas.c on feature maps: exact argument lists, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer, real, size
from darkpy.errors import ShapeError
from darkpy.kernels.darknet_calls._arguments import memory

__all__ = ["flatten", "reorg_cpu", "shortcut_cpu", "upsample_cpu"]


def _sizes(**values: int) -> tuple[int, ...]:
    return tuple(size(name, value) for name, value in values.items())


def reorg_cpu(
    x: FloatArray,
    w: int,
    h: int,
    c: int,
    batch: int,
    stride: int,
    forward: int,
    out: FloatArray,
) -> None:
    """Change between space and depth in Darknet's order; w, h, c: sizes of the coarser map.

    Raises ShapeError when c is no multiple of stride**2.
    """
    _sizes(w=w, h=h, c=c, batch=batch, stride=stride)
    if c % stride**2:
        raise ShapeError(f"c must be a multiple of stride**2 = {stride**2}, got {c}")
    count = batch * c * h * w
    x, out = memory("x", x, count), memory("out", out, count, writable=True)
    no_overlap(out=out, x=x)
    status = lib.dk_reorg_cpu(pointer(x), w, h, c, batch, stride, int(bool(forward)), pointer(out))
    check(status, "reorg_cpu")


def flatten(x: FloatArray, size: int, layers: int, batch: int, forward: int) -> None:
    """Transpose every image, [layers][size] to [size][layers] (forward) or back, in place.

    Allocates a copy of x during the call, as Darknet does.
    """
    _sizes(size=size, layers=layers, batch=batch)
    x = memory("x", x, batch * size * layers, writable=True)
    before = np.array(x)
    status = lib.dk_flatten(pointer(before), size, layers, batch, int(bool(forward)), pointer(x))
    check(status, "flatten")


def shortcut_cpu(
    batch: int,
    w1: int,
    h1: int,
    c1: int,
    add: FloatArray,
    w2: int,
    h2: int,
    c2: int,
    s1: float,
    s2: float,
    out: FloatArray,
) -> None:
    """``out = s1 * out + s2 * add`` where the maps meet.

    Raises ShapeError if the widths do not differ by the same factor as the heights.
    """
    _sizes(batch=batch, w1=w1, h1=h1, c1=c1, w2=w2, h2=h2, c2=c2)
    add = memory("add", add, batch * c1 * h1 * w1)
    out = memory("out", out, batch * c2 * h2 * w2, writable=True)
    no_overlap(out=out, add=add)
    if (max(1, w1 // w2), max(1, w2 // w1)) != (max(1, h1 // h2), max(1, h2 // h1)):
        raise ShapeError(
            f"widths and heights must differ by the same factor, got w {w1}, {w2} and h {h1}, {h2}"
        )
    sizes = (batch, w1, h1, c1, pointer(add), w2, h2, c2, real("s1", s1), real("s2", s2))
    check(lib.dk_shortcut_cpu(*sizes, pointer(out)), "shortcut_cpu")


def upsample_cpu(
    x: FloatArray,
    w: int,
    h: int,
    c: int,
    batch: int,
    stride: int,
    forward: int,
    scale: float,
    out: FloatArray,
) -> None:
    """Forward: ``out = scale * x`` with repeated pixels.  Backward: ``x += scale * blocks of out``.

    x is the small map [batch][c][h][w] in both directions (Darknet's `in`).
    """
    _sizes(w=w, h=h, c=c, batch=batch, stride=stride)
    count = batch * c * h * w
    x = memory("x", x, count, writable=not forward)
    out = memory("out", out, count * stride**2, writable=bool(forward))
    no_overlap(out=out, x=x)
    sizes = (w, h, c, batch, stride, int(bool(forward)), real("scale", scale))
    check(lib.dk_upsample_cpu(pointer(x), *sizes, pointer(out)), "upsample_cpu")
