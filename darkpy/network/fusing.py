"""Which layers of an inference do another one's work besides their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from darkpy.layers.base import INPUT, Layer
from darkpy.layers.composition import Composition
from darkpy.layers.filters import FilterLayer
from darkpy.layers.shortcut import Shortcut

__all__ = ["find_compositions", "find_residuals"]


def find_residuals(
    layers: Sequence[Layer], needed: Sequence[int], wanted: Iterable[int]
) -> dict[int, Shortcut]:
    """Linear filters that only a [shortcut] of equal sizes reads, with that shortcut.

    Parameters
    ----------
    layers : sequence of Layer
    needed : sequence of int
        The layers that run.
    wanted : iterable of int
        Layers whose outputs survive the run.
    """
    private = _read_once(layers, needed, wanted)
    residuals: dict[int, Shortcut] = {}
    for index in needed:
        shortcut = layers[index]
        if not isinstance(shortcut, Shortcut) or not shortcut.is_plain_sum:
            continue
        previous, source = shortcut.sources
        if previous not in private or source == previous:
            continue
        filters = layers[previous]
        if isinstance(filters, FilterLayer) and filters.is_linear:
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


def _read_once(layers: Sequence[Layer], needed: Sequence[int], wanted: Iterable[int]) -> set[int]:
    """Layers that one other layer reads, and nobody else."""
    readers = Counter(source for index in needed for source in layers[index].sources)
    return {index for index, count in readers.items() if count == 1} - {INPUT, *wanted}
