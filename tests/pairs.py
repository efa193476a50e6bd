"""Pairs of bf16: NumPy's rounding, and the engine's."""

from __future__ import annotations

import numpy as np
from guarded import GuardedTensor, like

from darkpy.engine.boundary import lib, struct

__all__ = ["TINY", "halves", "rounded", "to_pairs"]

#: The least float32 that is not denormal.
TINY = np.finfo(np.float32).tiny


def rounded(x):
    """The nearest value of 8 significant bits, ties to even; denormal ones become 0."""
    x = np.asarray(x, np.float64)
    mantissa, exponent = np.frexp(x)
    return np.where(np.abs(x) < TINY, 0, np.ldexp(np.rint(mantissa * 256), exponent - 8))


def halves(pairs):
    """What an array of pairs, seen as floats, holds: twice as many values in the last axis."""
    bits = np.ascontiguousarray(pairs).view(np.uint16).astype(np.uint32) << 16
    return bits.view(np.float32)


def to_pairs(x, gap=0):
    """The engine's rounding of a channels-last array."""
    n, h, w, c = x.shape
    source, out = GuardedTensor(x, gap), like((n, h, w, (c + 1) // 2), gap)
    args = struct("dk_round_bf16", {"x": source.struct, "y": out.struct})
    assert lib.dk_round_bf16(args) == lib.DK_OK
    source.check()
    out.check()
    return out
