"""[maxpool]: maximum over windows."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import integer
from darkpy.engine.boundary import lib
from darkpy.engine.program import Again, Repeat, Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.pooling_window import POOLING_OPTIONS, pooling_geometry

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

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the pooling; training keeps the place of each maximum."""
        places = None
        if recorder.training:
            g = self.geometry
            size = lib.dk_maxpool_place_bytes(g["size_h"], g["size_w"])
            places = recorder.buffer(-(-recorder.batch * self.output_shape.size * size // 4))
        recorder.add(
            self,
            "dk_maxpool_forward",
            writes=("y", "places"),
            again=Again(Repeat.MAXIMA, gives=("y", "places")),
            x=inputs[0],
            y=output,
            places=places,
            **self.geometry,
        )
        return places

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: each delta is added at the place of its maximum."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            recorder.add(
                self,
                "dk_maxpool_backward",
                writes=("x",),
                x=dx,
                y=delta,
                places=saved,
                accumulate=accumulate,
                **self.geometry,
            )

    @property
    def selects(self) -> bool:
        """Whether every window has a maximum, that is, covers a pixel of the image."""
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
