"""The search for NaN and infinity in arrays."""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, lib, pointer

__all__ = ["first_not_finite"]


def first_not_finite(array: FloatArray) -> int | None:
    """Flat index of the first NaN or infinity in a C-contiguous array; None if there is none."""
    position = lib.dk_first_not_finite(array.size, pointer(array))
    return None if position == array.size else position
