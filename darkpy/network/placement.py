"""Placement: where the outputs of layers lie in a plan.

An output has a separate tensor, or is a view of an earlier output, or lies inside a joined tensor
that its layer writes straight into: then a [route] copies nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.fusions import Fusions
from darkpy.layers.shape import INPUT, Shape, ViewOf

__all__ = ["Placement"]


class Placement:
    """The tensors of all outputs.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    needed : sequence of int
        The layers that run.
    input_shape : Shape
        Size of one input image.
    batch : int
        Images per run.
    training : bool
    keep : bool
        Give every layer a separate output.
    fusions : Fusions
        A [shortcut] whose sum another layer computes shares that layer's output.

    Attributes
    ----------
    input : Tensor
        The network's input.
    views : dict of int to ViewOf or None
        The range of an output, itself no view, that a layer's output equals; None if it is no view.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        needed: Sequence[int],
        input_shape: Shape,
        batch: int,
        *,
        training: bool,
        keep: bool,
        fusions: Fusions,
    ) -> None:
        self.input = input_shape.tensor(batch)
        self._layers = layers
        self._batch = batch
        self._training = training
        self._fusions = fusions
        self.views = {index: None if keep else self._view(index) for index in needed}
        self._homes = {} if keep else self._find_homes(needed)
        self._outputs: dict[int, Tensor] = {}

    def output(self, index: int) -> Tensor:
        """The tensor of a layer's output, or for INPUT of the network's input."""
        if index == INPUT:
            return self.input
        if index not in self._outputs:
            self._outputs[index] = self._place(index)
        return self._outputs[index]

    def lies_in_output(self, index: int, k: int) -> bool:
        """Whether the k-th source of a layer writes straight into that layer's output."""
        source = self._layers[index].sources[k]
        view = self.views.get(source) or ViewOf(source, 0, 0)
        return self._homes.get(view.source, (None, 0, None))[::2] == (index, k)

    def _view(self, index: int) -> ViewOf | None:
        view = self._layers[index].view(self._training)
        if view is None or view.source == INPUT:
            return view
        inner = self._view(view.source)
        return (
            view if inner is None else ViewOf(inner.source, inner.first + view.first, view.channels)
        )

    def _find_homes(self, needed: Sequence[int]) -> dict[int, tuple[int, int, int]]:
        """Return layer -> (the [route] into which it writes, first channel there, which source).

        Later routes choose first: an earlier joined tensor can then lie inside a later one.
        """
        homes: dict[int, tuple[int, int, int]] = {}
        for index in reversed(needed):
            layer = self._layers[index]
            if not layer.joined:
                continue
            start = 0
            for k, (source, (first, count)) in enumerate(
                zip(layer.sources, layer.joined, strict=True)
            ):
                view = self.views.get(source) or ViewOf(source, 0, 0)
                base = view.source
                whole = base != INPUT and (view.first + first, count) == (
                    0,
                    self._layers[base].output_shape.channels,
                )
                if whole and base not in homes:
                    homes[base] = (index, start, k)
                start += count
        return homes

    def _place(self, index: int) -> Tensor:
        if fused := self._fusions.sums.get(index):
            return self.output(fused.shortcut)
        shape = self._layers[index].output_shape
        if view := self.views[index]:
            return self.output(view.source).channel_slice(view.first, view.channels)
        if index in self._homes:
            route, first, _ = self._homes[index]
            return self.output(route).channel_slice(first, shape.channels)
        return shape.tensor(self._batch)
