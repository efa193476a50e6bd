"""[reorg] and [reorg3d]: values in another order (spec 3.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from darkpy.config.options import flag, integer
from darkpy.engine.program import Tensor, Values
from darkpy.layers.base import Layer, Shape
from darkpy.layers.registry import register

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Reorg", "Reorg3d"]

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


class _Permutation(Layer):
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


@register("reorg")
class Reorg(_Permutation):
    """Blocks of pixels to channels, in Darknet's odd order, which trained weights rely on.

    The input's memory is read as if it were a map of c / stride^2 channels and stride times the
    height and width. flatten=1: pixels and channels change places; extra=n: the values followed by
    n zeros.

    Source: Darknet reorg_layer.c, blas.c reorg_cpu and flatten.
    """

    options = (
        integer("stride", 1, "height and width of the blocks", minimum=1),
        flag("reverse", False, "the way back, from channels to blocks"),
        flag("flatten", False, "pixels and channels change places", dialect="pjreddie"),
        integer("extra", 0, "number of zeros to append", minimum=0, dialect="pjreddie"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        o = self.values
        shape = self.input_shapes[0]
        stride = o.stride
        if o.flatten:
            return
        if o.extra:
            self.output_shape = Shape.vector(shape.size + o.extra)
            return
        if shape.channels % stride**2:
            raise o.error("stride", f"its square must divide the {shape.channels} channels")
        if o.reverse:
            self.output_shape = Shape(
                shape.channels // stride**2, shape.height * stride, shape.width * stride
            )
            return
        if shape.height % stride or shape.width % stride:
            raise o.error("stride", f"must divide the height and width of the input {shape}")
        self.output_shape = Shape(
            shape.channels * stride**2, shape.height // stride, shape.width // stride
        )

    def darknet_index(self) -> IndexArray:
        """Return the order that the options ask for."""
        o = self.values
        shape = self.input_shapes[0]
        everything = np.arange(shape.size)
        if o.flatten:
            sizes = (shape.channels, shape.height * shape.width)
            return everything.reshape(sizes[::-1] if o.reverse else sizes).T.reshape(-1)
        if o.extra:
            return np.concatenate([everything, np.full(o.extra, -1)])
        return reorg_index(shape, o.stride, o.reverse)


@register("reorg3d")
class Reorg3d(_Permutation):
    """out[o * c + k, j, i] = x[k, j * stride + o // stride, i * stride + o % stride].

    Source: AlexeyAB/darknet reorg_layer.c.
    """

    is_alexeyab = True
    options = (
        integer("stride", 1, "height and width of the blocks", minimum=1),
        flag("reverse", False, "the way back: not supported"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        o = self.values
        shape = self.need_image()
        if o.reverse:
            raise o.error("reverse", "is not supported")
        if shape.height % o.stride or shape.width % o.stride:
            raise o.error("stride", f"must divide the height and width of the input {shape}")
        self.output_shape = Shape(
            shape.channels * o.stride**2, shape.height // o.stride, shape.width // o.stride
        )

    def darknet_index(self) -> IndexArray:
        """Darknet's formula, given the output's sizes."""
        return reorg_index(self.output_shape, self.values.stride, False)
