"""[l2norm]: unit length over the channels (spec 3.21)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.registry import register

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["L2norm"]


@register("l2norm")
class L2norm(Layer):
    """y = x / length of x over the channels, per pixel; 0 where the length is 0.

    Source: Darknet l2norm_layer.c; the gradient is the derivative (Darknet passes delta through
    unchanged).
    """

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record it."""
        plan.add(self, "dk_l2norm_forward", "dk_l2norm_forward", x=inputs[0], y=output)

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the derivative."""
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
            plan.add(
                self,
                "dk_l2norm_backward",
                "dk_l2norm_backward",
                x=inputs[0],
                y=output,
                delta=delta,
                dx=dx,
                accumulate=accumulate,
            )
