"""Layer fusion: which layers can also do a neighbour's work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from darkpy.layers.base import Layer
from darkpy.layers.fusions import Sum
from darkpy.layers.shared.activation_functions import needs_input
from darkpy.layers.shared.filter_layer import FilterLayer
from darkpy.network.folded_filters import can_fold
from darkpy.network.graph import read_once

__all__ = ["find_folds", "find_pooled", "find_sums"]


def find_sums(
    layers: Sequence[Layer], running: Sequence[int], wanted: Iterable[int], training: bool
) -> dict[int, Sum]:
    """Return linear filters that only a [shortcut] of equal sizes reads, with its sum.

    In training batch normalisation computes the sum, so the filters must have it, and the gradient
    of the sum's activation must follow from its output.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    running : sequence of int
        The layers that run.
    wanted : iterable of int
        Layers whose outputs are read after the run.
    training : bool
    """
    private = read_once(layers, running, wanted)
    sums: dict[int, Sum] = {}
    for index in running:
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
            sums[previous] = Sum(index, source, activation)
    return sums


def find_folds(
    layers: Sequence[Layer], running: Sequence[int], wanted: Iterable[int]
) -> dict[int, int]:
    """Return convolution -> the linear 1x1 convolution before it that can be folded into it."""
    private = read_once(layers, running, wanted)
    folds: dict[int, int] = {}
    for index in running:
        second = layers[index]
        if not isinstance(second, FilterLayer) or second.sources[0] not in private:
            continue
        first = layers[second.sources[0]]
        if isinstance(first, FilterLayer) and first.index not in folds and can_fold(first, second):
            folds[index] = first.index
    return folds


def find_pooled(
    layers: Sequence[Layer], running: Sequence[int], stop: int
) -> dict[int, list[tuple[int, int]]]:
    """Return [maxpool] -> the filters that only it reads, with their first channel in its input.

    A pool selects some of the filters' values, and only those have a delta. So the gradients of
    bias and activation can be computed on the pool's output and delta, which have fewer values, and
    the filters' output need not be kept. A [route] of such filters may come before the pool.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    running : sequence of int
        The layers that run.
    stop : int
        The last layer that gets no gradient.
    """
    private = read_once(layers, running, ())
    pooled: dict[int, list[tuple[int, int]]] = {}
    for index in running:
        pool = layers[index]
        if not pool.selects or pool.sources[0] not in private:
            continue
        joined = layers[pool.sources[0]]
        sources = [layers[k] for k in joined.sources] if joined.joined else [joined]
        first, found = 0, []
        for source in sources:
            if not isinstance(source, FilterLayer) or source.index not in private:
                break
            if source.normalizes or source.keeps_input or source.mixes_channels:
                break
            found.append((source.index, first))
            first += source.channels
        is_whole = first == pool.input_shapes[0].channels
        if is_whole and len(found) == len(sources) and min(s.index for s in sources) > stop:
            pooled[index] = found
    return pooled
