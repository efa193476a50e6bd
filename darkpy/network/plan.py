"""The plan: which layers run, where their outputs lie, which calls run in which order.

A plan is made for one batch size and one purpose. Inference records the layers that the answer
depends on; training records every layer forward, then backward. The decisions are made here;
`darkpy.layers.recorder` records the calls of layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.engine.boundary import FloatArray
from darkpy.engine.layout import from_nchw, to_nchw
from darkpy.engine.program import Program, Tensor
from darkpy.layers.base import Layer
from darkpy.layers.fusions import Fusions
from darkpy.layers.parameter import Parameter
from darkpy.layers.recorder import Recorder
from darkpy.layers.shape import Shape
from darkpy.layers.shared.filter_layer import FilterLayer, place_forms
from darkpy.network.channel_activations import record_backward, record_forward
from darkpy.network.folded_filters import FoldedFilters
from darkpy.network.fusing import find_folds, find_pooled, find_sums
from darkpy.network.graph import needed, wants_delta
from darkpy.network.placement import Placement
from darkpy.network.prefetch import prefetch

__all__ = ["Plan"]


class Plan:
    """A network's run for one batch size; its memory is allocated when `program` is bound.

    Parameters
    ----------
    layers : sequence of Layer
        The whole network.
    input_shape : Shape
        Size of one input image.
    batch : int
        Images per run.
    training : bool
        Record the backward passes and keep the arrays that they read.
    keep : bool
        Give every layer a separate output (and delta) that stays intact after the run, to be looked
        at.
    wanted : sequence of int, optional
        Layers whose outputs stay intact after the run; with `keep` those of all layers do.
    stop : int
        The last layer that, with all before it, gets no gradient; -1 if there is none.
    memory : str
        How much training keeps: see `darkpy.network.recompute`.

    Attributes
    ----------
    needed : list of int
        The layers that run.
    program : Program
        The calls.
    input : Tensor
        Filled before each run.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        batch: int,
        *,
        training: bool = False,
        keep: bool = False,
        wanted: Sequence[int] = (),
        stop: int = -1,
        memory: str = "normal",
    ) -> None:
        self.layers = layers
        self.batch = batch
        self.training = training
        self.stop = stop
        everything = training or keep
        self.needed = needed(layers, range(len(layers)) if everything else wanted)
        self._fusions = Fusions() if keep else self._find_fusions(wanted)
        self._placement = Placement(
            layers,
            self.needed,
            input_shape,
            batch,
            training=training,
            keep=keep,
            fusions=self._fusions,
        )
        self.input = self._placement.input
        self.program = Program()
        self.program.touch(self.input.buffer)  # it is written before the first call
        self._recorder = Recorder(
            self.program,
            batch,
            self._placement,
            training=training,
            keep=keep,
            fusions=self._fusions,
            wants_delta=wants_delta(layers, stop) if training else (),
        )
        self._saved: dict[int, Any] = {}
        #: Parameter.changes when the layers were last refreshed for this plan.
        self._refreshed = -1
        self._record(wanted, memory)

    # -- inputs and results of a run --------------------------------------------------------------

    def run(self, x: FloatArray, step: int, truth: FloatArray | None = None) -> None:
        """Run the plan; its program must be bound.

        Parameters
        ----------
        x : ndarray of float32
            `batch` images.
        step : int
            Number of the step, from which dropout and random crops derive their numbers.
        truth : ndarray of float32, optional
            The truths of the images, for training.
        """
        self.refresh()
        self.fill(x, truth)
        self.program.run(step)

    def fill(self, x: FloatArray, truth: FloatArray | None = None) -> None:
        """Copy images and truths into the tensors that a run reads."""
        from_nchw(self.program, x, self.input)
        if truth is not None:
            for tensor in self._recorder.truths.values():
                from_nchw(self.program, truth, tensor)

    def read_output(self, index: int, out: FloatArray | None = None) -> FloatArray:
        """Return a layer's output after a run that kept it, in `out` or a new array."""
        if out is None:
            out = np.empty(self.layers[index].output_shape.array_shape(self.batch), np.float32)
        to_nchw(self.program, self.output(index), out)
        return out

    def read_delta(self, index: int) -> FloatArray:
        """Return a layer's delta after a run with `keep`: zeros if no layer wrote it."""
        out = np.zeros(self.layers[index].output_shape.array_shape(self.batch), np.float32)
        if delta := self.delta(index):
            to_nchw(self.program, delta, out)
        return out

    @property
    def costs(self) -> dict[int, npt.NDArray[np.float64]]:
        """Layer -> the cost of each image in the last run."""
        return self._recorder.costs

    @property
    def changed(self) -> list[Parameter]:
        """Parameters that a run changes by itself: rolling statistics."""
        return self._recorder.changed

    def output(self, index: int) -> Tensor:
        """The tensor of a layer's output, or for INPUT of the network's input."""
        return self._placement.output(index)

    def delta(self, index: int) -> Tensor | None:
        """The tensor of a layer's delta after a run with `keep`; None if no layer wrote it."""
        delta = self._recorder.delta(index)
        return delta if self._recorder.is_written(delta) else None

    def refresh(self) -> None:
        """Update arrays that are derived from parameters, if any changed since the last run."""
        changes = Parameter.changes  # read first: another thread may assign a parameter meanwhile
        if self._refreshed == changes:
            return
        for index in self.needed:
            self.layers[index].refresh(self.training)
        for folded in self._fusions.folded.values():
            folded.refresh()
        self._refreshed = changes

    # -- decisions --------------------------------------------------------------------------------

    def _find_fusions(self, wanted: Sequence[int]) -> Fusions:
        layers, running = self.layers, self.needed
        sums = find_sums(layers, running, wanted, self.training)
        if self.training:
            return Fusions(sums, {}, find_pooled(layers, running, self.stop))
        folded = {}
        for index, first in find_folds(layers, running, wanted).items():
            a, b = layers[first], layers[index]
            assert isinstance(a, FilterLayer)
            assert isinstance(b, FilterLayer)
            folded[index] = FoldedFilters(a, b)
        return Fusions(sums, folded)

    def _record(self, wanted: Sequence[int], memory: str) -> None:
        """Record all passes, and note which tensors stay intact after them."""
        keep = self._recorder.keep
        if not self.training:
            place_forms([self.layers[i] for i in self.needed], self.batch)
        self._record_forward()
        if self.training:
            from darkpy.network.recompute import Recomputation

            # With `keep` every output stays intact, to be looked at.
            recomputation = Recomputation(self.program, "high" if keep else memory)
            self._recorder.begin_backward(recomputation.fields)
            self._record_backward()
        for index in self.needed if keep else wanted:
            self.program.touch(self.output(index).buffer)
            if keep and self.training and (delta := self.delta(index)):
                self.program.touch(delta.buffer)
        if not (self.training or keep):
            prefetch(self.program.calls, self.layers, self.batch)

    def _record_forward(self) -> None:
        recorder, absorbed = self._recorder, self._fusions.absorbed
        for index in self.needed:
            layer = self.layers[index]
            if self._placement.views[index]:
                continue
            output = self.output(index)
            if index in absorbed:
                self._saved[index] = output
                continue
            view = layer.view(self.training)
            if view is not None:  # with `keep`, views are separate tensors
                whole = self.output(view.source)
                recorder.copy(layer, whole.channel_slice(view.first, view.channels), output)
                continue
            folded = self._fusions.folded.get(index)
            sources = self.layers[folded.first if folded else index].sources
            inputs = [self.output(source) for source in sources]
            self._saved[index] = record_forward(recorder, layer, inputs, output)

    def _record_backward(self) -> None:
        recorder = self._recorder
        for layer in reversed(self.layers):
            if self._placement.views[layer.index]:
                continue
            if not layer.has_cost and not recorder.has_delta(layer):
                continue
            if layer.index <= self.stop and not layer.has_cost:  # frozen, but a cost still counts
                continue
            delta = recorder.delta(layer.index)
            if recorder.has_delta(layer):
                recorder.complete_delta(layer)
            view = layer.view(True)
            if view is not None:
                recorder.pass_delta(layer, 0, delta, part=(view.first, view.channels))
                continue
            inputs = [self.output(source) for source in layer.sources]
            output = self.output(layer.index)
            self._record_pooled(layer, output, delta)
            record_backward(recorder, layer, self._saved[layer.index], inputs, output, delta)

    def _record_pooled(self, pool: Layer, output: Tensor, delta: Tensor) -> None:
        """Record the gradients of bias and activation of filters on the output of a [maxpool]."""
        for index, first in self._fusions.pooled.get(pool.index, ()):
            filters = self.layers[index]
            assert isinstance(filters, FilterLayer)
            part = first, filters.channels
            filters.record_bias_backward(
                self._recorder, output.channel_slice(*part), delta.channel_slice(*part)
            )
