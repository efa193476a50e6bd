"""Values to test with."""

from __future__ import annotations

import numpy as np

__all__ = ["integers", "misaligned", "normal"]


def integers(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    """Small integers: float32 sums of up to 2**18 products of two are exact."""
    return rng.integers(-8, 9, shape).astype(np.float32)


def misaligned(values: object) -> np.ndarray:
    """The values as float32, one float behind where an allocation begins."""
    values = np.asarray(values, np.float32)
    block = np.empty(values.size + 1, np.float32)[1:].reshape(values.shape)
    block[...] = values
    return block


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Normally distributed values, misaligned."""
    return misaligned(rng.normal(size=shape))
