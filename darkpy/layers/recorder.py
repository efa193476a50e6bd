"""The recorder: layers call it to record their forward and backward passes.

It knows tensors and a program, but no network. `darkpy.network.plan` decides where outputs lie,
which layers are fused, and which deltas are needed, and passes all this in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from darkpy.engine.program import Again, Buffer, Program, Repeat, Tensor, Values
from darkpy.layers.fusions import Fusions
from darkpy.layers.parameter import Parameter
from darkpy.layers.shape import INPUT, Shape

if TYPE_CHECKING:
    from darkpy.layers.protocols import Outputs, Recorded

__all__ = ["Recorder"]


class Recorder:
    """Records the calls of a run for one batch size.

    Parameters
    ----------
    program : Program
        Receives the calls.
    batch : int
        Images per run.
    outputs : Outputs
    training : bool
        Whether backward passes follow: then the arrays that they read are kept.
    keep : bool
        Whether all outputs (and deltas) stay intact until the end of the run, to be looked at.
    fusions : Fusions
    wants_delta : sequence of bool
        For each layer, whether training needs the gradient of its output.

    Attributes
    ----------
    truths : dict
        Channels, height and width of the truth -> tensor to fill before each run.
    costs : dict of int to ndarray
        Layer -> the cost of each image, filled by each run.
    changed : list of Parameter
        The parameters that a run changes (update buffers apart).
    """

    def __init__(
        self,
        program: Program,
        batch: int,
        outputs: Outputs,
        *,
        training: bool = False,
        keep: bool = False,
        fusions: Fusions = Fusions(),  # noqa: B008 - nobody writes to it
        wants_delta: Sequence[bool] = (),
    ) -> None:
        self.program = program
        self.batch = batch
        self.training = training
        self.keep = keep
        self.fusions = fusions
        self.truths: dict[tuple[int, int, int], Tensor] = {}
        self.costs: dict[int, npt.NDArray[np.float64]] = {}
        self.changed: list[Parameter] = []
        self._fields_of: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
        self._outputs = outputs
        self._wants_delta = wants_delta
        #: Tensor -> the same rounded to bf16, shared by all layers that read it rounded.
        self._rounded: dict[Tensor, Tensor] = {}
        #: Buffer of an output -> buffer of its delta; that buffer -> channels written so far.
        self._delta_buffers: dict[Buffer, Buffer] = {}
        self._filled: dict[Buffer, set[int]] = {}

    # -- calls ------------------------------------------------------------------------------------

    def add(
        self,
        layer: Recorded,
        function: str,
        *,
        writes: tuple[str, ...],
        again: Again | None = None,
        streams: tuple[str, ...] = (),
        prepare: Callable[[Any, int], None] | None = None,
        **fields: Any,
    ) -> None:
        """Record a call for `layer`; see Program.add."""
        if self._fields_of is not None:
            fields = self._fields_of(fields)
        self.program.add(
            function,
            writes=writes,
            owner=layer.index,
            again=again,
            streams=streams,
            prepare=prepare,
            **fields,
        )

    def begin_backward(self, fields_of: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        """Begin the backward pass: from now on each call gets the fields that this returns."""
        self._fields_of = fields_of

    def buffer(self, size: int) -> Buffer:
        """A stretch of `size` floats that lives from its first to its last use."""
        return Buffer(size)

    def temporary(self, shape: Shape) -> Tensor:
        """A dense tensor of this batch."""
        return shape.tensor(self.batch)

    def output(self, index: int) -> Tensor:
        """The tensor of a layer's output, or for INPUT of the network's input."""
        return self._outputs.output(index)

    def lies_in_output(self, layer: Recorded, k: int) -> bool:
        """Whether the k-th source writes straight into this layer's output."""
        return self._outputs.lies_in_output(layer.index, k)

    # -- copies -----------------------------------------------------------------------------------

    def copy(
        self, layer: Recorded, x: Tensor, y: Tensor, factor: float = 1.0, accumulate: int = 0
    ) -> None:
        """Record ``y = factor * x``, or ``y += factor * x``."""
        self.add(layer, "dk_copy", writes=("y",), x=x, y=y, factor=factor, accumulate=accumulate)

    def affine(self, layer: Recorded, x: Tensor, y: Tensor, factor: float, offset: float) -> None:
        """Record ``y = factor * x + offset``; y may be x."""
        self.add(layer, "dk_crop", writes=("y",), x=x, y=y, factor=factor, offset=offset)

    def copy_of(self, layer: Recorded, x: Tensor) -> Tensor:
        """Record a dense copy and return it."""
        y = self.temporary(Shape(x.channels, x.height, x.width))
        self.copy(layer, x, y)
        return y

    def dense(self, layer: Recorded, x: Tensor) -> Tensor:
        """Return `x` itself when it is dense, else a recorded copy."""
        return x if x.is_dense else self.copy_of(layer, x)

    def rounded(self, layer: Recorded, x: Tensor) -> Tensor:
        """Return `x` rounded to bf16, a pair in place of a float; recorded at the first request."""
        if x not in self._rounded:
            pairs = self.temporary(Shape((x.channels + 1) // 2, x.height, x.width))
            self.add(layer, "dk_round_bf16", writes=("y",), x=x, y=pairs)
            self._rounded[x] = pairs
        return self._rounded[x]

    def to_darknet_order(self, layer: Recorded, x: Tensor) -> Tensor:
        """Record a dense copy in Darknet's order, for layers that read the flat vector."""
        y = self.temporary(Shape(x.channels, x.height, x.width))
        self._reorder(layer, "dk_gather", "y", self.dense(layer, x), y)
        return y

    def from_darknet_order(self, layer: Recorded, x: Tensor, y: Tensor) -> None:
        """Record the inverse: from `x` in Darknet's order to `y` in the engine's."""
        target = y if y.is_dense else self.temporary(Shape(y.channels, y.height, y.width))
        self._reorder(layer, "dk_scatter", "x", target, x)
        if target is not y:
            self.copy(layer, target, y)

    def _reorder(
        self, layer: Recorded, function: str, written: str, engine: Tensor, darknet: Tensor
    ) -> None:
        pixels = engine.height * engine.width
        count = pixels * engine.channels
        index = np.arange(count, dtype=np.int32).reshape(pixels, engine.channels).T
        self.add(
            layer,
            function,
            writes=(written,),
            x=Values(engine),
            y=Values(darknet),
            index=np.ascontiguousarray(index),
            batch=self.batch,
            x_count=count,
            y_count=count,
            accumulate=0,
        )

    # -- activations ------------------------------------------------------------------------------

    def activate(self, layer: Recorded, x: Tensor, y: Tensor, kind: int) -> None:
        """Record ``y = act(x)``, act being the C core's activation `kind`; y may be x."""
        fields: dict[str, Any] = {"x": x, "y": y, "kind": kind}
        again = Again(Repeat.ACTIVATION)
        self.add(layer, "dk_activate", writes=("y",), again=again, **fields)

    def activation_gradient(
        self, layer: Recorded, saved: Tensor, delta: Tensor, kind: int
    ) -> Tensor:
        """Record ``delta * act'``, in place or (with `keep`) in a copy; return that tensor.

        The derivative of activation `kind` is computed from `saved`.
        """
        if self.keep:
            delta = self.copy_of(layer, delta)
        fields: dict[str, Any] = {"saved": saved, "delta": delta, "kind": kind}
        self.add(layer, "dk_activation_gradient", writes=("delta",), **fields)
        return delta

    # -- inputs and results of a run --------------------------------------------------------------

    def truth(self, layer: Recorded) -> Tensor:
        """The truth of a layer with a cost, in the engine's order; filled before each run."""
        shape = layer.truth_shape
        assert shape is not None, "the layer has no cost"
        key = (shape.channels, shape.height, shape.width)
        if key not in self.truths:
            self.truths[key] = shape.tensor(self.batch, pinned=True)
        return self.truths[key]

    def cost(self, layer: Recorded) -> npt.NDArray[np.float64]:
        """The array that receives the layer's cost of each image."""
        return self.costs.setdefault(layer.index, np.zeros(self.batch))

    def changes(self, *parameters: Parameter) -> None:
        """Note that a run changes these parameters."""
        self.changed.extend(parameters)

    # -- deltas -----------------------------------------------------------------------------------

    def has_delta(self, layer: Recorded) -> bool:
        """Whether a later layer has written a delta for this one."""
        delta = self.delta(layer.index)
        return not self._filled.get(delta.buffer, set()).isdisjoint(_channels(delta))

    def own_delta(self, layer: Recorded) -> tuple[Tensor, int]:
        """The layer's own delta, and how to write it: 1 to add, 0 to overwrite all of it."""
        return self._claim(layer, self.delta(layer.index))

    def input_delta(
        self, layer: Recorded, k: int, part: tuple[int, int] | None = None
    ) -> tuple[Tensor, int] | None:
        """The k-th source's delta, and how to write it: 1 to add, 0 to overwrite all of it.

        None if that delta is not needed. Call it once for each write, just before it. `part` is a
        range of channels.
        """
        source = layer.sources[k]
        if source == INPUT or not self._wants_delta[source]:
            return None
        delta = self.delta(source)
        return self._claim(layer, delta.channel_slice(*part) if part else delta)

    def pass_delta(
        self,
        layer: Recorded,
        k: int,
        delta: Tensor,
        scale: float = 1.0,
        part: tuple[int, int] | None = None,
    ) -> None:
        """Record: ``scale * delta`` is added to the k-th source's delta, if that is needed."""
        if target := self.input_delta(layer, k, part):
            self.copy(layer, delta, target[0], scale, target[1])

    def delta(self, index: int) -> Tensor:
        """The delta of a layer's output: laid out like the output, in a separate buffer."""
        output = self.output(index)
        buffer = self._delta_buffers.setdefault(output.buffer, Buffer(output.buffer.size))
        return output._replace(buffer=buffer)

    def is_written(self, delta: Tensor) -> bool:
        """Whether any call writes to the buffer of a delta."""
        return delta.buffer in self._filled

    def complete_delta(self, layer: Recorded) -> None:
        """Record zeros for the channels of the layer's delta that no call has written."""
        delta = self.delta(layer.index)
        self._fill_holes(layer, delta, self._filled[delta.buffer])

    def _claim(self, layer: Recorded, delta: Tensor) -> tuple[Tensor, int]:
        """Mark a delta as filled; if a part of it is filled already, fill the rest with zeros."""
        filled = self._filled.setdefault(delta.buffer, set())
        channels = _channels(delta)
        if filled.isdisjoint(channels):
            filled.update(channels)
            return delta, 0
        self._fill_holes(layer, delta, filled)
        return delta, 1

    def _fill_holes(self, layer: Recorded, delta: Tensor, filled: set[int]) -> None:
        missing = [c for c in _channels(delta) if c not in filled]
        while missing:
            count = next((i for i, c in enumerate(missing) if c != missing[0] + i), len(missing))
            hole = delta.channel_slice(missing[0] - delta.offset, count)
            self.add(layer, "dk_fill", writes=("y",), y=hole, value=0.0)
            filled.update(missing[:count])
            missing = missing[count:]


def _channels(tensor: Tensor) -> range:
    return range(tensor.offset, tensor.offset + tensor.channels)
