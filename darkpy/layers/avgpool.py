"""[avgpool]: the mean over the image (spec 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.registry import register
from darkpy.layers.shape import Shape

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Avgpool"]


@register("avgpool")
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
