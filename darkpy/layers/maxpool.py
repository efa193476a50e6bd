"""[maxpool]: maximum over windows (spec 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.config.options import integer
from darkpy.engine.boundary import lib
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.registry import register
from darkpy.layers.shared.pooling_window import POOLING_OPTIONS, pooling_geometry

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Maxpool"]


@register("maxpool")
class Maxpool(Layer):
    """Largest value of each window.

    Windows start at i * stride - padding // 2 and are cut at the border.

    Source: Darknet maxpool_layer.c.
    """

    options = (
        *POOLING_OPTIONS,
        integer("pad", 0, "read for compatibility; without effect in Darknet"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        self.output_shape, self.geometry = pooling_geometry(self)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the pooling; training keeps where each maximum was."""
        places = None
        if plan.training:
            g = self.geometry
            size = lib.dk_maxpool_place_bytes(g["size_h"], g["size_w"])
            places = plan.buffer(-(-plan.batch * self.output_shape.size * size // 4))
        plan.add(
            self,
            "dk_maxpool_forward",
            "dk_pool",
            x=inputs[0],
            y=output,
            places=places,
            **self.geometry,
        )
        return places

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: each delta goes to where its maximum was."""
        for filters, first in plan.pooled_by(self):
            part = first, filters.channels
            filters.record_bias_backward(
                plan, output.channel_slice(*part), delta.channel_slice(*part)
            )
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
            plan.add(
                self,
                "dk_maxpool_backward",
                "dk_pool",
                x=dx,
                y=delta,
                places=saved,
                accumulate=accumulate,
                **self.geometry,
            )

    @property
    def selects(self) -> bool:
        """Whether no window lies outside the image altogether: that has no maximum."""
        g, shape, out = self.geometry, self.input_shapes[0], self.output_shape
        ends = (
            (g["pad_h"], g["size_h"], (out.height - 1) * g["stride_h"], shape.height),
            (g["pad_w"], g["size_w"], (out.width - 1) * g["stride_w"], shape.width),
        )
        return not any(pad >= size or last - pad >= limit for pad, size, last, limit in ends)

    def describe(self) -> str:
        """Size and stride."""
        g = self.geometry
        return f"{g['size_h']} x {g['size_w']} /{g['stride_h']}"
