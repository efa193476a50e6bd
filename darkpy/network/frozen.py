"""Frozen layers: those that training leaves alone, by the option ``stopbackward``."""

from __future__ import annotations

from collections.abc import Sequence

from darkpy.layers.base import Layer

__all__ = ["first_updated", "last_stopped"]


def last_stopped(layers: Sequence[Layer], updates: int) -> int:
    """Return the last layer that, with all before it, gets no gradient; -1 if there is none.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    updates : int
        Number of updates including this step's: in the dialect alexeyab a value above 1 stops the
        gradient only until that many are done.
    """

    def stops(layer: Layer) -> bool:
        value = layer.values.stopbackward
        if layer.dialect.stopbackward_counts and value > 1:
            return bool(updates < value)
        return bool(value != 0)

    return max((layer.index for layer in layers if stops(layer)), default=-1)


def first_updated(layers: Sequence[Layer]) -> int:
    """Return the first layer that updates change; those before it are frozen for good.

    In the dialect alexeyab, ``stopbackward=1`` freezes the layers before its own. All others take
    part in updates: even without a gradient, momentum and weight decay act on them.
    """
    frozen = (
        layer.index
        for layer in layers
        if layer.dialect.stopbackward_counts and layer.values.stopbackward == 1
    )
    return max(frozen, default=0)
