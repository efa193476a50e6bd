"""[l2norm]: unit length over the channels."""

from __future__ import annotations

from typing import Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register

__all__ = ["L2norm"]


@register("l2norm")
class L2norm(Layer):
    """y = x / length of x over the channels, per pixel; 0 where the length is 0.

    Source: Darknet l2norm_layer.c; the gradient is the derivative (Darknet passes delta through
    unchanged).
    """

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the normalisation."""
        recorder.add(self, "dk_l2norm_forward", writes=("y",), x=inputs[0], y=output)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the derivative."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            recorder.add(
                self,
                "dk_l2norm_backward",
                writes=("dx",),
                x=inputs[0],
                y=output,
                delta=delta,
                dx=dx,
                accumulate=accumulate,
            )
