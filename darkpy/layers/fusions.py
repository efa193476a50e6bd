"""Fusions: layers that do a neighbour's work together with their own.

`darkpy.network.fusing` finds the fusions of a plan; layers read them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from darkpy.layers.protocols import Folded

__all__ = ["Fusions", "Sum"]


class Sum(NamedTuple):
    """The work of filters for the [shortcut] behind them: add its other source, then activate.

    Attributes
    ----------
    shortcut, source : int
        Indices of the [shortcut] and of the layer that is added.
    activation : int
        The C core's number of the [shortcut]'s activation.
    """

    shortcut: int
    source: int
    activation: int


class Fusions(NamedTuple):
    """All fusions of a plan.

    Attributes
    ----------
    sums : mapping of int to Sum
        Filters -> the [shortcut] whose sum they compute in their last step.
    folded : mapping of int to Folded
        Filters -> the filters that result from folding the linear ones before them.
    pooled : mapping of int to sequence of (int, int)
        [maxpool] -> filters whose gradients of bias and activation are computed on the pool's
        output, each with its first channel there.
    """

    sums: Mapping[int, Sum] = {}
    folded: Mapping[int, Folded] = {}
    pooled: Mapping[int, Sequence[tuple[int, int]]] = {}

    def makes_sum_of(self, shortcut: int) -> bool:
        """Whether the layer before a [shortcut] computes its sum: both share output and delta."""
        return any(fused.shortcut == shortcut for fused in self.sums.values())

    def is_pooled(self, filters: int) -> bool:
        """Whether filters' gradients of bias and activation are computed on a pool's output."""
        return any(filters == index for found in self.pooled.values() for index, _ in found)

    @property
    def absorbed(self) -> set[int]:
        """Layers whose forward pass is part of another layer's."""
        sums = {fused.shortcut for fused in self.sums.values()}
        return sums | {folded.first for folded in self.folded.values()}
