"""Layers that bring values into another order, given as an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from darkpy.engine.program import Tensor, Values
from darkpy.layers.base import Layer
from darkpy.layers.shape import Shape

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["IndexArray", "Permutation", "reorg_index"]

IndexArray = npt.NDArray[np.int64]


def reorg_index(shape: Shape, stride: int, reverse: bool) -> IndexArray:
    """For each output value the flat index of its input, both in Darknet's order.

    `shape` is what Darknet's reorg_cpu is given as (c, h, w): the input's sizes for [reorg], the
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
        """For each output value the flat input index, -1 for 0, both in Darknet's order."""
        raise NotImplementedError  # pragma: no cover - both layers have their own

    def _engine_index(self) -> npt.NDArray[np.int32]:
        """The same for channels-last images."""
        source, target = self.input_shapes[0], self.output_shape
        index = self.darknet_index()
        pixels = source.height * source.width
        moved = np.where(index < 0, -1, index % pixels * source.channels + index // pixels)
        order = moved.reshape(target.channels, target.height, target.width).transpose(1, 2, 0)
        return np.ascontiguousarray(order, np.int32)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the gathering."""
        index = self._engine_index()
        x = plan.dense(self, inputs[0])
        y = output if output.is_dense else plan.temporary(self.output_shape)
        self._record(plan, "dk_gather", x, y, index)
        if y is not output:
            plan.copy(self, y, output)
        return index

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the inverse."""
        dy = plan.dense(self, delta)
        dx = plan.temporary(self.input_shapes[0])
        self._record(plan, "dk_scatter", dx, dy, saved)
        plan.pass_delta(self, 0, dx)

    def _record(
        self, plan: Plan, function: str, x: Tensor, y: Tensor, index: npt.NDArray[np.int32]
    ) -> None:
        plan.add(
            self,
            function,
            "dk_reindex",
            x=Values(x),
            y=Values(y),
            index=index,
            batch=plan.batch,
            x_count=self.input_shapes[0].size,
            y_count=self.output_shape.size,
            accumulate=0,
        )
