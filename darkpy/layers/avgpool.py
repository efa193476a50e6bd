"""[avgpool] and [local_avgpool]: means over the image and over windows (spec 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer, Shape
from darkpy.layers.maxpool import POOLING_OPTIONS, pooling_geometry
from darkpy.layers.registry import register

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Avgpool", "LocalAvgpool"]


@register("avgpool", "avg")
class Avgpool(Layer):
    """Mean of each channel over the whole image. Source: Darknet avgpool_layer.c."""

    def configure(self) -> None:
        """Set the output's size."""
        self.output_shape = Shape(self.need_image().channels, 1, 1)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the mean."""
        plan.add(self, "dk_avgpool_forward", "dk_pool", x=inputs[0], y=output)

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: delta / (height * width) for every pixel."""
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
            plan.add(
                self,
                "dk_avgpool_backward",
                "dk_pool",
                x=dx,
                y=delta,
                accumulate=accumulate,
            )


@register("local_avgpool", "local_avg")
class LocalAvgpool(Layer):
    """Mean of each window over the pixels that lie inside the image.

    Source: AlexeyAB/darknet maxpool_layer.c; the backward divides by the number of valid pixels
    (there by size * size).
    """

    options = POOLING_OPTIONS
    is_alexeyab = True

    def configure(self) -> None:
        """Set the output's size."""
        self.output_shape, self.geometry = pooling_geometry(self)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the means."""
        plan.add(
            self,
            "dk_local_avgpool_forward",
            "dk_pool",
            x=inputs[0],
            y=output,
            **self.geometry,
        )

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: each delta, divided by its window's pixels, to all of them."""
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
            plan.add(
                self,
                "dk_local_avgpool_backward",
                "dk_pool",
                x=dx,
                y=delta,
                accumulate=accumulate,
                **self.geometry,
            )

    def describe(self) -> str:
        """Size and stride."""
        g = self.geometry
        return f"{g['size_h']} x {g['size_w']} /{g['stride_h']}"
