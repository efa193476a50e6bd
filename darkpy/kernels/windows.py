"""Windows that slide over a plane: their sizes on both axes, and how many positions they have."""

from __future__ import annotations

from typing import NamedTuple

from darkpy.engine.boundary import MAX_VALUES, size
from darkpy.errors import ShapeError

__all__ = ["Pair", "Windows", "checked_windows", "out_length", "pair"]

#: One number for both axes, or (vertical, horizontal).
Pair = int | tuple[int, int]


class Windows(NamedTuple):
    """Size, stride, pad and dilation of a convolution's windows, each (vertical, horizontal)."""

    ksize: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]

    def places(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of positions on a plane; ShapeError if the windows do not fit."""
        vertical, horizontal = zip(*self, strict=True)
        return out_length("height", height, *vertical), out_length("width", width, *horizontal)


def checked_windows(ksize: Pair, stride: Pair, pad: Pair, dilation: Pair) -> Windows:
    """Return the windows of ksize, stride, pad and dilation, after a check of each."""
    return Windows(
        pair("ksize", ksize, 1),
        pair("stride", stride, 1),
        pair("pad", pad, 0),
        pair("dilation", dilation, 1),
    )


def pair(name: str, value: Pair, minimum: int, maximum: int = MAX_VALUES) -> tuple[int, int]:
    """Return a number or a pair as (vertical, horizontal), each in minimum..maximum."""
    values = value if isinstance(value, tuple) else (value, value)
    if len(values) != 2:
        raise ShapeError(f"{name} must be an integer or a pair of them, got {value!r}")
    return size(name, values[0], minimum, maximum), size(name, values[1], minimum, maximum)


def out_length(axis: str, length: int, ksize: int, stride: int, pad: int, dilation: int) -> int:
    """Positions along one axis: (length + 2 pad - dilation (ksize-1) - 1)//stride + 1."""
    room = length + 2 * pad - dilation * (ksize - 1) - 1
    if room < 0:
        raise ShapeError(
            f"a kernel of {ksize} (dilation {dilation}) does not fit the {axis} {length} "
            f"with padding {pad}"
        )
    return room // stride + 1
