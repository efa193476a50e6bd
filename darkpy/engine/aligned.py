"""Memory for C: aligned to cache lines, and in large blocks.

NumPy requests large pages from the system for arrays of 4 MiB or more: they are quicker to allocate
and to look up. Smaller arrays profit as well if they lie in one block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from darkpy.engine.boundary import FloatArray

__all__ = ["ALIGNMENT", "aligned", "neighbours"]

#: Arrays begin at multiples of this many floats: a cache line.
ALIGNMENT = 16


def aligned(count: int) -> FloatArray:
    """Return `count` uninitialised floats; the first one begins a cache line."""
    block = np.empty(count + ALIGNMENT, np.float32)
    start = -(block.ctypes.data // 4) % ALIGNMENT
    return block[start : start + count]


def neighbours(sizes: Sequence[int]) -> list[FloatArray]:
    """Return uninitialised arrays of these sizes in one block, each aligned."""
    ends = np.cumsum([-(-size // ALIGNMENT) * ALIGNMENT for size in sizes], dtype=np.int64).tolist()
    block = aligned(ends[-1] if ends else 0)
    return [block[a : a + n] for a, n in zip([0, *ends], sizes, strict=False)]
