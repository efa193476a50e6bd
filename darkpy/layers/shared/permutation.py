"""Permutations: layers that bring values into another order, given as an index."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.engine.program import Tensor, Values
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.shape import Shape

__all__ = ["IndexArray", "Permutation", "reorg_index"]

IndexArray = npt.NDArray[np.int64]


def reorg_index(shape: Shape, stride: int, reverse: bool) -> IndexArray:
    """Return the flat index of the input of each output value, both in Darknet's order.

    `shape` is the (c, h, w) that Darknet's reorg_cpu receives: the input's sizes for [reorg], the
    output's for [reorg3d].
    """
    c, h, w = shape.channels, shape.height, shape.width
    k, j, i = np.meshgrid(np.arange(c), np.arange(h), np.arange(w), indexing="ij")
    channels = c // stride**2
    part = k // channels
    i2 = i * stride + part % stride
    j2 = j * stride + part // stride
    spread = (i2 + w * stride * (j2 + h * stride * (k % channels))).reshape(-1)
    if not reverse:
        return spread
    index = np.empty_like(spread)
    index[spread] = np.arange(spread.size)
    return index


class Permutation(Layer):
    """A layer whose output values are input values in another order, or 0."""

    def darknet_index(self) -> IndexArray:
        """Return the flat input index of each output value, -1 for a 0; both in Darknet's order."""
        raise NotImplementedError  # pragma: no cover - both layers have their own

    def _engine_index(self) -> npt.NDArray[np.int32]:
        """Return that index for channels-last images."""
        source, target = self.input_shapes[0], self.output_shape
        index = self.darknet_index()
        pixels = source.height * source.width
        moved = np.where(index < 0, -1, index % pixels * source.channels + index // pixels)
        order = moved.reshape(target.channels, target.height, target.width).transpose(1, 2, 0)
        return np.ascontiguousarray(order, np.int32)

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the permutation."""
        index = self._engine_index()
        x = recorder.dense(self, inputs[0])
        y = output if output.is_dense else recorder.temporary(self.output_shape)
        self._record(recorder, "dk_gather", "y", x, y, index)
        if y is not output:
            recorder.copy(self, y, output)
        return index

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the inverse."""
        dy = recorder.dense(self, delta)
        dx = recorder.temporary(self.input_shapes[0])
        self._record(recorder, "dk_scatter", "x", dx, dy, saved)
        recorder.pass_delta(self, 0, dx)

    def _record(
        self,
        recorder: Recorder,
        function: str,
        written: str,
        x: Tensor,
        y: Tensor,
        index: npt.NDArray[np.int32],
    ) -> None:
        recorder.add(
            self,
            function,
            writes=(written,),
            x=Values(x),
            y=Values(y),
            index=index,
            batch=recorder.batch,
            x_count=self.input_shapes[0].size,
            y_count=self.output_shape.size,
            accumulate=0,
        )
