"""Layers -> plan: where every array lies, and which calls run in which order.

A plan is made for one batch size and one purpose. Inference records the layers that the answer
depends on; training records every layer forward, then backward. Joined tensors: the sources of a
[route] write straight into it, so concatenation copies nothing; their deltas lie in the joined
delta likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.engine.program import Buffer, Program, Tensor, Values
from darkpy.layers.base import Layer
from darkpy.layers.composition import Composition
from darkpy.layers.parameter import Parameter
from darkpy.layers.shape import INPUT, Shape, ViewOf
from darkpy.layers.shared.activation_functions import record_backward, record_forward
from darkpy.layers.shared.filter_layer import FilterLayer, place_forms
from darkpy.network.ahead import fetch_ahead
from darkpy.network.fusing import find_compositions, find_pooled, find_residuals
from darkpy.network.recompute import Recomputation

__all__ = ["Plan"]


class Plan:
    """A network's run for one batch size; takes its memory when `program` is bound.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    input_shape : Shape
        Size of one input image.
    batch : int
        Images per run.
    training : bool
        Record the backward passes and what they need.
    keep : bool
        Give every layer an output (and delta) of its own that survives the run, for looking at.
    wanted : iterable of int, optional
        Layers whose outputs survive the run; by default all with `keep`, else none.
    stop : int
        The last layer that gets no gradient, nor do those before it; -1 for none.
    memory : str
        How much training keeps: see `darkpy.network.recompute`.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        batch: int,
        *,
        training: bool = False,
        keep: bool = False,
        wanted: Iterable[int] = (),
        stop: int = -1,
        memory: str = "normal",
    ) -> None:
        self.layers = layers
        self.batch = batch
        self.training = training
        self.keep = keep
        self.stop = stop
        self.program = Program()
        self.truths: dict[tuple[int, int, int], Tensor] = {}
        self.costs_of: dict[int, npt.NDArray[np.float64]] = {}
        self.moved: list[Parameter] = []
        #: Parameter.changes when the layers were last refreshed for this plan.
        self.refreshed = -1
        everything = training or keep
        self.needed = self._closure(range(len(layers)) if everything else wanted)
        self.input = self.temporary(input_shape)
        self.program.touch(self.input.buffer)  # it is written before the first call
        self._views = {i: self._view(i) for i in self.needed}
        self._homes = {} if keep else self._find_homes()
        #: Filters -> the shortcut whose sum and activation are made with their last step.
        self._residuals = {} if keep else find_residuals(layers, self.needed, wanted, training)
        #: Convolution -> the linear one before it whose work its filters take over.
        self._compositions = {} if everything else find_compositions(layers, self.needed, wanted)
        #: [maxpool] -> filters before it whose last steps' backward it records.
        self._pooled = find_pooled(layers, self.needed, stop) if training and not keep else {}
        self._outputs: dict[int, Tensor] = {}
        self._delta_buffers: dict[Buffer, Buffer] = {}
        self._filled: dict[Buffer, set[int]] = {}
        self._saved: dict[int, Any] = {}
        #: What a tensor is in bf16, for all layers that read it so.
        self._rounded: dict[Tensor, Tensor] = {}
        self._recomputation: Recomputation | None = None
        if not training:
            place_forms([layers[i] for i in self.needed], batch)
        self._record_forward()
        if training:
            # With `keep` everything survives for looking at.
            self._recomputation = Recomputation(self, "high" if keep else memory)
            self._record_backward()
        for index in self.needed if keep else wanted:
            self.program.touch(self.output(index).buffer)
            if keep and training and self._delta(index).buffer in self._filled:
                self.program.touch(self._delta(index).buffer)
        if not everything:
            fetch_ahead(self.program.calls, self.layers, batch)

    # -- what layers call -------------------------------------------------------------------------

    def add(
        self,
        layer: Layer,
        function: str,
        struct: str,
        *,
        workspace: str | None = None,
        prepare: Callable[[Any, int], None] | None = None,
        **fields: Any,
    ) -> None:
        """Record a call for `layer`; see Program.add."""
        if self._recomputation is not None:
            fields = self._recomputation.fields(fields)
        self.program.add(
            function, struct, owner=layer.index, workspace=workspace, prepare=prepare, **fields
        )

    def buffer(self, size: int) -> Buffer:
        """A stretch of `size` floats that lives from its first to its last use."""
        return Buffer(size)

    def temporary(self, shape: Shape) -> Tensor:
        """A dense tensor of this batch."""
        buffer = Buffer(self.batch * shape.size)
        return Tensor(buffer, self.batch, shape.height, shape.width, shape.channels, shape.channels)

    def copy(
        self, layer: Layer, x: Tensor, y: Tensor, factor: float = 1.0, accumulate: int = 0
    ) -> None:
        """Record ``y = factor * x``, or ``y += factor * x``."""
        self.add(layer, "dk_copy", "dk_copy", x=x, y=y, factor=factor, accumulate=accumulate)

    def affine(self, layer: Layer, x: Tensor, y: Tensor, factor: float, offset: float) -> None:
        """Record ``y = factor * x + offset``; y may be x."""
        self.add(layer, "dk_crop", "dk_crop", x=x, y=y, factor=factor, offset=offset)

    def copy_of(self, layer: Layer, x: Tensor) -> Tensor:
        """Record a dense copy and return it."""
        shape = Shape(x.channels, x.height, x.width)
        y = self.temporary(shape)
        self.copy(layer, x, y)
        return y

    def dense(self, layer: Layer, x: Tensor) -> Tensor:
        """Return `x` itself when it is dense, else a recorded copy."""
        return x if x.is_dense else self.copy_of(layer, x)

    def rounded(self, layer: Layer, x: Tensor) -> Tensor:
        """`x` in pairs of bf16, in the place of floats; recorded for the first who asks."""
        if x not in self._rounded:
            pairs = self.temporary(Shape((x.channels + 1) // 2, x.height, x.width))
            self.add(layer, "dk_round_bf16", "dk_round_bf16", x=x, y=pairs)
            self._rounded[x] = pairs
        return self._rounded[x]

    def to_darknet_order(self, layer: Layer, x: Tensor) -> Tensor:
        """Record a dense copy in Darknet's order, for layers that cut the flat vector."""
        y = self.temporary(Shape(x.channels, x.height, x.width))
        self._reorder(layer, "dk_gather", self.dense(layer, x), y)
        return y

    def from_darknet_order(self, layer: Layer, x: Tensor, y: Tensor) -> None:
        """Record the way back, from `x` in Darknet's order to `y` in the engine's."""
        target = y if y.is_dense else self.temporary(Shape(y.channels, y.height, y.width))
        self._reorder(layer, "dk_scatter", target, x)
        if target is not y:
            self.copy(layer, target, y)

    def _reorder(self, layer: Layer, function: str, engine: Tensor, darknet: Tensor) -> None:
        pixels = engine.height * engine.width
        count = pixels * engine.channels
        index = np.arange(count, dtype=np.int32).reshape(pixels, engine.channels).T
        self.add(
            layer,
            function,
            "dk_reindex",
            x=Values(engine),
            y=Values(darknet),
            index=np.ascontiguousarray(index),
            batch=self.batch,
            x_count=count,
            y_count=count,
            accumulate=0,
        )

    def truth(self, layer: Layer) -> Tensor:
        """The truth in the engine's order, of the layer's output's size; filled before each run."""
        shape = layer.output_shape
        key = (shape.channels, shape.height, shape.width)
        if key not in self.truths:
            buffer = Buffer(self.batch * shape.size, pinned=True)
            self.truths[key] = self.temporary(shape)._replace(buffer=buffer)
        return self.truths[key]

    def costs(self, layer: Layer) -> npt.NDArray[np.float64]:
        """The array that receives the layer's cost of each image."""
        return self.costs_of.setdefault(layer.index, np.zeros(self.batch))

    def moves(self, *parameters: Parameter) -> None:
        """Say that running changes these parameters."""
        self.moved.extend(parameters)

    def lies_in_output(self, layer: Layer, k: int) -> bool:
        """Whether the k-th source writes straight into this layer's output."""
        source = self._views.get(layer.sources[k]) or ViewOf(layer.sources[k], 0, 0)
        return self._homes.get(source.source, (None, 0, None))[::2] == (layer.index, k)

    def residual(self, layer: Layer) -> tuple[Tensor, int] | None:
        """What the layer adds before an activation: the tensor, and the activation's number.

        None unless the plan lets this layer do the work of the [shortcut] that follows.
        """
        shortcut = self._residuals.get(layer.index)
        if shortcut is None:
            return None
        activation = shortcut.sum_activation
        assert activation is not None
        return self.output(shortcut.sources[1]), activation

    def is_sum_in_place(self, shortcut: Layer) -> bool:
        """Whether the layer before makes the sum: then both have one output and one delta."""
        return self._residuals.get(shortcut.sources[0]) is shortcut

    def composition(self, layer: FilterLayer) -> Composition | None:
        """The layer's filters joined with those of the linear layer before it, which is left out.

        None unless the plan found that possible; the layer's input is then that layer's.
        """
        first = self._compositions.get(layer.index)
        return None if first is None else layer.composition(first)

    def pooled_by(self, pool: Layer) -> list[tuple[FilterLayer, int]]:
        """The filters before a [maxpool] that leave bias and activation's backward to it.

        With each one its first channel in the pool's input.
        """
        return self._pooled.get(pool.index, [])

    def is_pooled(self, layer: Layer) -> bool:
        """Whether a [maxpool] does the backward of the layer's bias and activation."""
        return any(layer is filters for found in self._pooled.values() for filters, _ in found)

    # -- deltas -----------------------------------------------------------------------------------

    def has_delta(self, layer: Layer) -> bool:
        """Whether a later layer has sent this one a delta."""
        delta = self._delta(layer.index)
        return not self._filled.get(delta.buffer, set()).isdisjoint(_channels(delta))

    def own_delta(self, layer: Layer) -> tuple[Tensor, int]:
        """The layer's own delta to write to, and 1 when it must be added to instead."""
        return self._claim(layer, self._delta(layer.index))

    def input_delta(
        self, layer: Layer, k: int, part: tuple[int, int] | None = None
    ) -> tuple[Tensor, int] | None:
        """Where the k-th source's delta goes: the tensor, and 1 to add or 0 to overwrite all of it.

        None when nothing needs it. To be called once per write, just before it; `part` is a range
        of channels.
        """
        source = layer.sources[k]
        if source == INPUT or not self._is_trained_before[source]:
            return None
        delta = self._delta(source)
        return self._claim(layer, delta.channel_slice(*part) if part else delta)

    def pass_delta(
        self,
        layer: Layer,
        k: int,
        delta: Tensor,
        scale: float = 1.0,
        part: tuple[int, int] | None = None,
    ) -> None:
        """Record: ``scale * delta`` is added to the k-th source's delta, if that is needed."""
        if target := self.input_delta(layer, k, part):
            self.copy(layer, delta, target[0], scale, target[1])

    def _delta(self, index: int) -> Tensor:
        output = self.output(index)
        buffer = self._delta_buffers.setdefault(output.buffer, Buffer(output.buffer.size))
        return output._replace(buffer=buffer)

    def _claim(self, layer: Layer, delta: Tensor) -> tuple[Tensor, int]:
        """Mark a delta as filled; where only a part of it is, fill the rest with zeros first."""
        filled = self._filled.setdefault(delta.buffer, set())
        channels = _channels(delta)
        if filled.isdisjoint(channels):
            filled.update(channels)
            return delta, 0
        self._zero(layer, delta, filled)
        return delta, 1

    def _zero(self, layer: Layer, delta: Tensor, filled: set[int]) -> None:
        """Record zeros for the channels of `delta` that nobody filled."""
        missing = [c for c in _channels(delta) if c not in filled]
        while missing:
            count = next((i for i, c in enumerate(missing) if c != missing[0] + i), len(missing))
            hole = delta.channel_slice(missing[0] - delta.offset, count)
            self.add(layer, "dk_fill", "dk_fill", y=hole, value=0.0)
            filled.update(missing[:count])
            missing = missing[count:]

    # -- recording --------------------------------------------------------------------------------

    def output(self, index: int) -> Tensor:
        """Where a layer's output (INPUT: the network's input) lies."""
        if index == INPUT:
            return self.input
        if index not in self._outputs:
            self._outputs[index] = self._place(index)
        return self._outputs[index]

    def delta(self, index: int) -> Tensor | None:
        """Where a layer's delta lies after a run with `keep`; None when nothing sent it one."""
        delta = self._delta(index)
        return delta if delta.buffer in self._filled else None

    def _closure(self, wanted: Iterable[int]) -> list[int]:
        needed: set[int] = set()
        waiting = list(wanted)
        while waiting:
            index = waiting.pop()
            if index != INPUT and index not in needed:
                needed.add(index)
                waiting.extend(self.layers[index].sources)
        return sorted(needed)

    def _view(self, index: int) -> ViewOf | None:
        """The range of a real output, no view itself, that a layer equals; None: its own."""
        if self.keep:
            return None
        view = self.layers[index].view(self.training)
        if view is None or view.source == INPUT:
            return view
        inner = self._view(view.source)
        return (
            view if inner is None else ViewOf(inner.source, inner.first + view.first, view.channels)
        )

    def _find_homes(self) -> dict[int, tuple[int, int, int]]:
        """Layer -> (route that it writes into, first channel there, which source).

        Later routes choose first: an earlier joined tensor can then lie inside a later one.
        """
        homes: dict[int, tuple[int, int, int]] = {}
        for index in reversed(self.needed):
            layer = self.layers[index]
            start = 0
            for k, (source, (first, count)) in enumerate(
                zip(layer.sources, layer.joined, strict=False)
            ):
                view = self._views.get(source) or ViewOf(source, 0, 0)
                base = view.source
                whole = base != INPUT and (view.first + first, count) == (
                    0,
                    self.layers[base].output_shape.channels,
                )
                if whole and base not in homes:
                    homes[base] = (index, start, k)
                start += count
        return homes

    def _place(self, index: int) -> Tensor:
        if index in self._residuals:
            return self.output(self._residuals[index].index)
        shape = self.layers[index].output_shape
        if view := self._views[index]:
            return self.output(view.source).channel_slice(view.first, view.channels)
        if index in self._homes:
            route, first, _ = self._homes[index]
            return self.output(route).channel_slice(first, shape.channels)
        return self.temporary(shape)

    def _record_forward(self) -> None:
        absorbed = {shortcut.index for shortcut in self._residuals.values()}
        absorbed.update(first.index for first in self._compositions.values())
        for index in self.needed:
            layer = self.layers[index]
            if self._views[index]:
                continue
            output = self.output(index)
            if index in absorbed:
                self._saved[index] = output
                continue
            view = layer.view(self.training)
            if view is not None:  # kept apart for looking at
                self.copy(
                    layer, self.output(view.source).channel_slice(view.first, view.channels), output
                )
                continue
            sources = self._compositions.get(index, layer).sources
            inputs = [self.output(source) for source in sources]
            self._saved[index] = record_forward(self, layer, inputs, output)

    def _record_backward(self) -> None:
        self._is_trained_before: list[bool] = []
        for layer in self.layers:
            below = any(s != INPUT and self._is_trained_before[s] for s in layer.sources)
            trainable = any(p.trainable for p in layer.parameters.values())
            self._is_trained_before.append(layer.index > self.stop and (trainable or below))
        for layer in reversed(self.layers):
            if self._views[layer.index] or not (layer.has_cost or self.has_delta(layer)):
                continue
            if layer.index <= self.stop and not layer.has_cost:  # frozen, but a cost still counts
                continue
            delta = self._delta(layer.index)
            if self.has_delta(layer):
                self._zero(layer, delta, self._filled[delta.buffer])
            inputs = [self.output(source) for source in layer.sources]
            view = layer.view(True)
            if view is not None:
                self.pass_delta(layer, 0, delta, part=(view.first, view.channels))
                continue
            saved = self._saved[layer.index]
            record_backward(self, layer, saved, inputs, self.output(layer.index), delta)


def _channels(tensor: Tensor) -> range:
    return range(tensor.offset, tensor.offset + tensor.channels)
