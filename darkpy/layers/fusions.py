"""Fusions: layers that do a neighbour's work together with their own.

Here is what layers know of them; `darkpy.network.fusing` finds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from darkpy.layers.protocols import Folded

__all__ = ["Fusions", "Sum"]


class Sum(NamedTuple):
    """What filters do for the [shortcut] behind them: add its other source, then activate.

    Attributes
    ----------
    shortcut, source : int
        Indices of the [shortcut] and of the layer that is added.
    activation : int
        The C core's number.
    """

    shortcut: int
    source: int
    activation: int


class Fusions(NamedTuple):
    """All fusions of a plan.

    Attributes
    ----------
    sums : mapping of int to Sum
        Filters -> the [shortcut] whose sum they make with their last step.
    folded : mapping of int to Folded
        Filters -> their join with the linear filters before them.
    pooled : mapping of int to sequence of (int, int)
        [maxpool] -> filters whose backward of bias and activation is done on the pool's output,
        each with its first channel there.
    """

    sums: Mapping[int, Sum] = {}
    folded: Mapping[int, Folded] = {}
    pooled: Mapping[int, Sequence[tuple[int, int]]] = {}

    def makes_sum_of(self, shortcut: int) -> bool:
        """Whether the layer before a [shortcut] makes its sum: both share output and delta."""
        return any(fused.shortcut == shortcut for fused in self.sums.values())

    def is_pooled(self, filters: int) -> bool:
        """Whether the backward of the filters' bias and activation is done behind a [maxpool]."""
        return any(filters == index for found in self.pooled.values() for index, _ in found)

    @property
    def absorbed(self) -> set[int]:
        """Layers whose forward pass is part of another layer's."""
        sums = {fused.shortcut for fused in self.sums.values()}
        return sums | {folded.first for folded in self.folded.values()}
