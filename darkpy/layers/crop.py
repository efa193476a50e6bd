"""[crop]: a part of the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.config.options import flag, integer, real
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register

__all__ = ["Crop"]


@register("crop")
class Crop(Layer):
    """The centre of the image; in training a random window for each batch, perhaps mirrored.

    Values become 2x - 1 unless noadjust=1. The gradient of the pixels in the window is that of the
    output, times the same factor (Darknet has none).

    Source: Darknet crop_layer.c.
    """

    options = (
        integer("crop_height", 1, "height of the output", minimum=1),
        integer("crop_width", 1, "width of the output", minimum=1),
        flag("flip", False, "training mirrors half of the batches, drawn at random"),
        real("angle", 0.0, "read for compatibility; GPU only"),
        real("saturation", 1.0, "read for compatibility; GPU only"),
        real("exposure", 1.0, "read for compatibility; GPU only"),
        flag("noadjust", False, "keep the values as they are"),
        real("shift", 0.0, "read for compatibility; GPU only"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        o = self.values
        shape = self.need_image()
        for key, limit in (("crop_height", shape.height), ("crop_width", shape.width)):
            if o[key] > limit:
                raise o.error(key, f"is larger than the input of {shape}")
        self.output_shape = shape._replace(height=o.crop_height, width=o.crop_width)

    def _draw(self, struct: Any, step: int) -> None:
        """Draw window and mirroring of a step, the same in the forward and the backward pass."""
        key = [self.context.seed, self.index]
        rng = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, step + 1]))
        shape, out = self.input_shapes[0], self.output_shape
        struct.top = int(rng.integers(shape.height - out.height + 1))
        struct.left = int(rng.integers(shape.width - out.width + 1))
        struct.flip = int(self.values.flip and rng.integers(2))

    def _fields(self) -> dict[str, Any]:
        shape, out = self.input_shapes[0], self.output_shape
        adjusts = not self.values.noadjust
        return {
            "top": (shape.height - out.height) // 2,
            "left": (shape.width - out.width) // 2,
            "flip": 0,
            "factor": 2.0 if adjusts else 1.0,
            "offset": -1.0 if adjusts else 0.0,
        }

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the cut."""
        prepare = self._draw if recorder.training else None
        recorder.add(
            self, "dk_crop", writes=("y",), prepare=prepare, x=inputs[0], y=output, **self._fields()
        )

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the gradient of the pixels in the window."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            if not accumulate:
                recorder.add(self, "dk_fill", writes=("y",), y=dx, value=0.0)
            recorder.add(
                self,
                "dk_crop_backward",
                writes=("x",),
                prepare=self._draw,
                x=dx,
                y=delta,
                **self._fields(),
            )
