"""[upsample]: larger maps by repetition."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import integer, real
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register

__all__ = ["Upsample"]


@register("upsample")
class Upsample(Layer):
    """y[j,i] = scale * x[j // stride, i // stride]; negative stride: scale * sum of each block.

    Source: Darknet upsample_layer.c.
    """

    options = (
        integer(
            "stride",
            2,
            "factor on height and width; negative: divisor",
            minimum=-4096,
            maximum=4096,
        ),
        real("scale", 1.0, "factor on the values"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        stride = self.values.stride
        shape = self.need_image()
        if stride == 0:
            raise self.values.error("stride", "must not be 0")
        if stride > 0:
            self.output_shape = shape._replace(
                height=shape.height * stride, width=shape.width * stride
            )
        elif shape.height % -stride or shape.width % -stride:
            raise self.values.error("stride", f"does not divide the input of {shape}")
        else:
            self.output_shape = shape._replace(
                height=shape.height // -stride, width=shape.width // -stride
            )

    def _record(
        self, recorder: Recorder, forward: bool, x: Tensor, y: Tensor, accumulate: int
    ) -> None:
        stride = self.values.stride
        expands = (stride > 0) == forward
        small, large = (x, y) if stride > 0 else (y, x)
        recorder.add(
            self,
            "dk_upsample_expand" if expands else "dk_upsample_reduce",
            writes=("y",) if expands else ("x",),
            x=small,
            y=large,
            stride=abs(stride),
            scale=self.values.scale,
            accumulate=accumulate,
        )

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the repetition (with a negative stride: the sum over each block)."""
        self._record(recorder, True, inputs[0], output, 0)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the sum over each block (with a negative stride: the repetition)."""
        if target := recorder.input_delta(self, 0):
            self._record(recorder, False, target[0], delta, target[1])

    def describe(self) -> str:
        """The factor."""
        stride = self.values.stride
        return f"x {stride}" if stride > 0 else f"/ {-stride}"
