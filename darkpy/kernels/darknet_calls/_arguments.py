"""Checks of Darknet's arguments: memory with enough values, increments that stay inside."""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, float_array, size
from darkpy.errors import ShapeError
from darkpy.kernels.windows import out_length

__all__: list[str] = []

#: Largest size along one axis, which keeps products of all of them far from overflow.
LIMIT = 1 << 20


def memory(name: str, array: object, count: int, *, writable: bool = False) -> FloatArray:
    """Return `array`, checked: contiguous float32 with at least `count` values."""
    checked = float_array(name, array, writable=writable)
    if checked.size < count:
        raise ShapeError(f"{name} must hold at least {count} values, got {checked.size}")
    return checked


def strided(
    name: str, array: object, n: int, increment: int, *, writable: bool = False
) -> FloatArray:
    """Return `array`, checked: it holds the values 0, increment, ..., (n - 1) * increment."""
    size(f"inc{name}", increment, 1 if writable else 0)
    return memory(name, array, (size("n", n, 0) - 1) * increment + 1 if n else 0, writable=writable)


def image_and_columns(
    channels: int, axes: list[tuple[str, int, int, int, int, int]]
) -> tuple[int, int]:
    """Sizes of image and matrix; axes: (name, length, ksize, stride, pad, dilation) of each."""
    image = columns = size("channels", channels, 1, LIMIT)
    for name, length, ksize, stride, pad, dilation in axes:
        image *= size(name, length, 1, LIMIT)
        size("ksize", ksize, 1, LIMIT)
        size("stride", stride, 1, LIMIT)
        size("pad", pad, 0, LIMIT)
        size("dilation", dilation, 1, LIMIT)
        columns *= ksize * out_length(name, length, ksize, stride, pad, dilation)
    if max(image, columns) > 1 << 38:
        raise ShapeError(f"the matrix of {columns} values is too large")
    return image, columns
