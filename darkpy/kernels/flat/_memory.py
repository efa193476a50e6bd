"""Checks of flat memory: enough values, increments that stay inside."""

from __future__ import annotations

from darkpy.errors import ShapeError
from darkpy.kernels.boundary import FloatArray, float_array, size

__all__: list[str] = []


def memory(name: str, array: object, count: int, *, writable: bool = False) -> FloatArray:
    """Return a float32 array that holds at least `count` values in one piece."""
    checked = float_array(name, array, writable=writable)
    if checked.size < count:
        raise ShapeError(f"{name} must hold at least {count} values, got {checked.size}")
    return checked


def strided(
    name: str, array: object, n: int, increment: int, *, writable: bool = False
) -> FloatArray:
    """Return a float32 array that holds values 0, increment, ... (n - 1) * increment."""
    size(f"inc{name}", increment, 1 if writable else 0)
    return memory(name, array, (size("n", n, 0) - 1) * increment + 1 if n else 0, writable=writable)
