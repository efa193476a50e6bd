"""[local_avgpool]: means over windows."""

from __future__ import annotations

from typing import Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.pooling_window import POOLING_OPTIONS, pooling_geometry

__all__ = ["LocalAvgpool"]


@register("local_avgpool")
class LocalAvgpool(Layer):
    """Mean of each window over the pixels that lie inside the image.

    Source: AlexeyAB/darknet maxpool_layer.c, whose backward pass divides by size * size; this one
    divides by the number of pixels inside the image.
    """

    options = POOLING_OPTIONS
    is_alexeyab = True

    def configure(self) -> None:
        """Set the output's size."""
        self.output_shape, self.geometry = pooling_geometry(self)

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the means."""
        recorder.add(
            self,
            "dk_local_avgpool_forward",
            writes=("y",),
            x=inputs[0],
            y=output,
            **self.geometry,
        )

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: each delta is divided by the pixels of its window and added to all of them."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            recorder.add(
                self,
                "dk_local_avgpool_backward",
                writes=("x",),
                x=dx,
                y=delta,
                accumulate=accumulate,
                **self.geometry,
            )

    def describe(self) -> str:
        """Size and stride."""
        g = self.geometry
        return f"{g['size_h']} x {g['size_w']} /{g['stride_h']}"
