"""Which layers do another one's work besides their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from darkpy.layers.base import Layer
from darkpy.layers.composition import Composition
from darkpy.layers.shape import INPUT
from darkpy.layers.shared.activation_functions import mixes_channels, needs_input
from darkpy.layers.shared.filter_layer import FilterLayer

__all__ = ["find_compositions", "find_pooled", "find_residuals"]


def find_residuals(
    layers: Sequence[Layer], needed: Sequence[int], wanted: Iterable[int], training: bool
) -> dict[int, Layer]:
    """Linear filters that only a [shortcut] of equal sizes reads, with that shortcut.

    In training the sum is left to batch normalisation, so the filters need to have one, and the
    gradient of the sum's activation has to follow from its output.

    Parameters
    ----------
    layers : sequence of Layer
    needed : sequence of int
        The layers that run.
    wanted : iterable of int
        Layers whose outputs survive the run.
    training : bool
    """
    private = _read_once(layers, needed, wanted)
    residuals: dict[int, Layer] = {}
    for index in needed:
        shortcut = layers[index]
        activation = shortcut.sum_activation
        if activation is None:
            continue
        previous, source = shortcut.sources
        if previous not in private or source == previous:
            continue
        filters = layers[previous]
        if not isinstance(filters, FilterLayer) or not filters.is_linear:
            continue
        if not training or (filters.normalizes and not needs_input(activation)):
            residuals[previous] = shortcut
    return residuals


def find_compositions(
    layers: Sequence[Layer], needed: Sequence[int], wanted: Iterable[int]
) -> dict[int, FilterLayer]:
    """Convolution -> the linear 1x1 convolution before it whose work its filters take over."""
    private = _read_once(layers, needed, wanted)
    compositions: dict[int, FilterLayer] = {}
    for index in needed:
        second = layers[index]
        if not isinstance(second, FilterLayer) or second.sources[0] not in private:
            continue
        first = layers[second.sources[0]]
        if (
            isinstance(first, FilterLayer)
            and first.index not in compositions
            and Composition.is_possible(first, second)
        ):
            compositions[index] = first
    return compositions


def find_pooled(
    layers: Sequence[Layer], needed: Sequence[int], stop: int
) -> dict[int, list[tuple[FilterLayer, int]]]:
    """[maxpool] -> the filters that only it reads, with their first channel in its input.

    What a pool gives is some of the filters' outputs, and only those have a delta: so the backward
    of bias and activation may be done on the pool's output and delta. These have fewer values, and
    the filters' output need not be kept. There may be a [route] of such filters between.

    Parameters
    ----------
    layers : sequence of Layer
    needed : sequence of int
        The layers that run.
    stop : int
        The last layer that gets no gradient.
    """
    private = _read_once(layers, needed, ())
    pooled: dict[int, list[tuple[FilterLayer, int]]] = {}
    for index in needed:
        pool = layers[index]
        if not pool.selects or pool.sources[0] not in private:
            continue
        joined = layers[pool.sources[0]]
        sources = [layers[k] for k in joined.sources] if joined.joined else [joined]
        first, found = 0, []
        for source in sources:
            if not isinstance(source, FilterLayer) or source.index not in private:
                break
            if source.normalizes or source.keeps_input or mixes_channels(source):
                break
            found.append((source, first))
            first += source.channels
        is_whole = first == pool.input_shapes[0].channels
        if is_whole and len(found) == len(sources) and min(s.index for s in sources) > stop:
            pooled[index] = found
    return pooled


def _read_once(layers: Sequence[Layer], needed: Sequence[int], wanted: Iterable[int]) -> set[int]:
    """Layers that one other layer reads, and nobody else."""
    readers = Counter(source for index in needed for source in layers[index].sources)
    return {index for index, count in readers.items() if count == 1} - {INPUT, *wanted}
