"""[local_avgpool]: means over windows (spec 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.registry import register
from darkpy.layers.shared.pooling_window import POOLING_OPTIONS, pooling_geometry

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["LocalAvgpool"]


@register("local_avgpool")
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
