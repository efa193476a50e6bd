"""The network as a graph: what an output depends on, who reads whom, where gradients are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from darkpy.layers.base import Layer
from darkpy.layers.shape import INPUT

__all__ = ["needed", "read_once", "wants_delta"]


def needed(layers: Sequence[Layer], wanted: Iterable[int]) -> list[int]:
    """Return the layers that the outputs of `wanted` depend on, themselves included, in order."""
    found: set[int] = set()
    waiting = list(wanted)
    while waiting:
        index = waiting.pop()
        if index != INPUT and index not in found:
            found.add(index)
            waiting.extend(layers[index].sources)
    return sorted(found)


def read_once(layers: Sequence[Layer], running: Sequence[int], wanted: Iterable[int]) -> set[int]:
    """Return the layers whose output exactly one of the `running` layers reads, and no user.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    running : sequence of int
        The layers that run.
    wanted : iterable of int
        Layers whose outputs are read after the run.
    """
    readers = Counter(source for index in running for source in layers[index].sources)
    return {index for index, count in readers.items() if count == 1} - {INPUT, *wanted}


def wants_delta(layers: Sequence[Layer], stop: int) -> list[bool]:
    """Return for each layer whether training needs the gradient of its output.

    It does if the layer or one before it can be trained, unless the layer is `stop`, the last one
    that gets no gradient, or comes before that.
    """
    wants: list[bool] = []
    for layer in layers:
        below = any(source != INPUT and wants[source] for source in layer.sources)
        trainable = any(parameter.trainable for parameter in layer.parameters.values())
        wants.append(layer.index > stop and (trainable or below))
    return wants
