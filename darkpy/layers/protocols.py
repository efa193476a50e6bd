"""Protocols of recording: what a recorder needs of layers, of the plan, of folded filters.

Only type checkers import this module: protocols would cost a millisecond at every start.
"""

from __future__ import annotations

from typing import Any, Protocol

from darkpy.engine.program import Tensor
from darkpy.layers.shape import Shape

__all__ = ["Folded", "Outputs", "Recorded"]


class Recorded(Protocol):
    """A layer, as a recorder sees it."""

    @property
    def index(self) -> int:
        """Position in the network."""

    @property
    def sources(self) -> tuple[int, ...]:
        """The layers that it reads."""

    @property
    def truth_shape(self) -> Shape | None:
        """Shape of the truth of its cost; None without a cost."""


class Outputs(Protocol):
    """The places of layers' outputs, as a plan knows them."""

    def output(self, index: int) -> Tensor:
        """The tensor of a layer's output, or for INPUT of the network's input."""

    def lies_in_output(self, index: int, k: int) -> bool:
        """Whether the k-th source of a layer writes straight into that layer's output."""


class Folded(Protocol):
    """Filters into which the linear 1x1 convolution before them is folded."""

    @property
    def first(self) -> int:
        """Index of the convolution that need not run; its sources are read instead."""

    def fields(self) -> dict[str, Any]:
        """The fields of ``struct dk_convolution`` for the folded filters."""

    def refresh(self) -> None:
        """Join them again if a parameter changed; both layers must have been refreshed before."""
