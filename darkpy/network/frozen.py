"""Frozen layers: those that training leaves alone, by the option ``stopbackward`` (spec 1.4)."""

from __future__ import annotations

from collections.abc import Sequence

from darkpy.layers.base import Layer

__all__ = ["first_updated", "last_stopped"]


def last_stopped(layers: Sequence[Layer], updates: int) -> int:
    """Return the last layer that gets no gradient, as those before it do not; -1 for none.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    updates : int
        Updates made so far, this step's own included: where the dialect says so, a value above 1
        stops only before that many.
    """

    def stops(layer: Layer) -> bool:
        value = layer.values.stopbackward
        if layer.dialect.stopbackward_counts and value > 1:
            return bool(updates < value)
        return bool(value != 0)

    return max((layer.index for layer in layers if stops(layer)), default=-1)


def first_updated(layers: Sequence[Layer]) -> int:
    """Return the first layer that updates change; those before it are frozen for good.

    Where the dialect says so, ``stopbackward=1`` freezes the layers before its own. All others take
    part in updates: without a gradient, momentum and weight decay still act on them.
    """
    frozen = (
        layer.index
        for layer in layers
        if layer.dialect.stopbackward_counts and layer.values.stopbackward == 1
    )
    return max(frozen, default=0)
