"""What recording asks of others, as types: of layers, of the plan, of folded filters.

Only type checkers import this module: protocols would cost every start a millisecond.
"""

from __future__ import annotations

from typing import Any, Protocol

from darkpy.engine.program import Tensor
from darkpy.layers.shape import Shape

__all__ = ["Folded", "Outputs", "Recorded"]


class Recorded(Protocol):
    """What a recorder asks of a layer."""

    @property
    def index(self) -> int:
        """Position in the network."""

    @property
    def sources(self) -> tuple[int, ...]:
        """The layers that it reads."""

    @property
    def truth_shape(self) -> Shape | None:
        """What its cost compares with."""


class Outputs(Protocol):
    """Where the outputs of layers lie."""

    def output(self, index: int) -> Tensor:
        """The tensor of a layer's output; INPUT: of the network's input."""

    def lies_in_output(self, index: int, k: int) -> bool:
        """Whether the k-th source of a layer writes straight into that layer's output."""


class Folded(Protocol):
    """Filters joined with those of a linear 1x1 convolution before them, which is left out."""

    @property
    def first(self) -> int:
        """Index of the convolution that is left out; its sources are read instead."""

    def fields(self) -> dict[str, Any]:
        """The joined filters' fields of ``struct dk_convolution``."""
