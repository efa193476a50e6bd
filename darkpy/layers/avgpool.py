"""[avgpool]: the mean over the image."""

from __future__ import annotations

from typing import Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shape import Shape

__all__ = ["Avgpool"]


@register("avgpool")
class Avgpool(Layer):
    """Mean of each channel over the whole image. Source: Darknet avgpool_layer.c."""

    def configure(self) -> None:
        """Set the output's size."""
        self.output_shape = Shape(self.need_image().channels, 1, 1)

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the mean."""
        recorder.add(self, "dk_avgpool_forward", writes=("y",), x=inputs[0], y=output)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: delta / (height * width) for every pixel."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            recorder.add(
                self,
                "dk_avgpool_backward",
                writes=("x",),
                x=dx,
                y=delta,
                accumulate=accumulate,
            )
