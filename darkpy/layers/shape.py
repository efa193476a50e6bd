"""Shapes of layers' outputs: sizes of one image, and ranges of channels."""

from __future__ import annotations

from typing import NamedTuple

from darkpy.engine.program import Buffer, Tensor

__all__ = ["INPUT", "MAX_LAYER_VALUES", "Shape", "ViewOf"]

#: Stands for the network's input among the indices of a layer's sources.
INPUT = -1

#: The most outputs per image, and the most weights, that a layer may have: 32 GiB of float32.
MAX_LAYER_VALUES = 1 << 33


class Shape(NamedTuple):
    """Sizes of one image's output; a vector of n values is ``Shape(n, 1, 1, is_image=False)``."""

    channels: int
    height: int
    width: int
    is_image: bool = True

    @classmethod
    def vector(cls, count: int) -> Shape:
        """Shape of a vector."""
        return cls(count, 1, 1, False)

    @property
    def size(self) -> int:
        """Values per image."""
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        """Return ``28 x 28 x 64`` (width, height, channels, as Darknet prints it) or the length."""
        if not self.is_image:
            return str(self.size)
        return f"{self.width} x {self.height} x {self.channels}"

    def tensor(self, batch: int, *, pinned: bool = False) -> Tensor:
        """Return a new dense tensor of `batch` of these; `pinned`: alive during the whole run."""
        buffer = Buffer(batch * self.size, pinned=pinned)
        return Tensor(buffer, batch, self.height, self.width, self.channels, self.channels)

    def array_shape(self, batch: int) -> tuple[int, ...]:
        """Shape of a user's array of `batch` of these: (N, C, H, W) or (N, n)."""
        if self.is_image:
            return batch, self.channels, self.height, self.width
        return batch, self.size


class ViewOf(NamedTuple):
    """An output that is a range of channels of an earlier layer's output, and needs no memory."""

    source: int
    first: int
    channels: int
