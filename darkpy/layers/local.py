"""[local]: a convolution with separate filters at every position."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.config.options import flag, integer
from darkpy.engine.boundary import FloatArray
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.parameter import Parameter
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shape import MAX_LAYER_VALUES, Shape
from darkpy.layers.shared.activation_functions import (
    activation_code,
    activation_option,
    needs_input,
)

__all__ = ["Local"]


@register("local")
class Local(Layer):
    """A convolution without shared weights: every position has its own filters and biases.

    y[f] at a position = act(sum of the position's filter f over its window + its bias f).

    Source: Darknet local_layer.c; the weights of all positions start at random (Darknet: those of
    the first), and with pad=1 the padding must keep the size.
    """

    options = (
        integer("filters", 1, "number of filters", minimum=1),
        integer("size", 1, "height and width of the filters in pixels", minimum=1),
        integer("stride", 1, "step between outputs in pixels", minimum=1),
        flag("pad", False, "pad with one pixel on each side"),
        activation_option("logistic"),
    )

    def configure(self) -> None:
        """Set sizes, register parameters."""
        o = self.values
        shape = self.need_image()
        padding = int(o.pad)
        if o.pad and o.size != 3:
            raise o.error(
                "pad", "must be 0 unless size=3: Darknet's own size and padding disagree else"
            )
        if min(shape.height, shape.width) + 2 * padding < o.size:
            raise o.error("size", f"is larger than the padded input of {shape}")
        height = (shape.height + 2 * padding - o.size) // o.stride + 1
        width = (shape.width + 2 * padding - o.size) // o.stride + 1
        self.output_shape = Shape(o.filters, height, width)
        self.activation = activation_code(o.activation)
        self.geometry: dict[str, Any] = {
            "size": o.size,
            "stride": o.stride,
            "pad": padding,
        }
        taps = shape.channels * o.size**2
        if height * width * o.filters * taps > MAX_LAYER_VALUES:
            raise self.error("its weights are more than memory can hold")
        count = self.output_shape.size
        self.add_parameter(
            Parameter("biases", (count,), lambda: np.zeros(count, np.float32), is_bias=True)
        )
        self.add_parameter(
            Parameter(
                "weights", (height * width, o.filters, taps), self.initial_weights, decays=True
            )
        )

    def initial_weights(self) -> FloatArray:
        """Uniform in +-sqrt(2 / fan in)."""
        shape = self.parameters["weights"].shape
        scale = np.float32(np.sqrt(2 / shape[2]))
        return (self.generator().random(shape, np.float32) * 2 - 1) * scale

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record filters, biases, activation."""
        keeps_input = recorder.training and needs_input(self.activation)
        total = recorder.temporary(self.output_shape) if keeps_input else output
        recorder.add(
            self,
            "dk_local_forward",
            writes=("y",),
            x=inputs[0],
            y=total,
            weights=self.parameters["weights"].storage,
            biases=self.parameters["biases"].storage,
            **self.geometry,
        )
        recorder.activate(self, total, output, self.activation)
        return total

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the gradients of activation, biases, weights and input."""
        delta = recorder.activation_gradient(self, saved, delta, self.activation)
        recorder.add(
            self,
            "dk_local_backward_weights",
            writes=("weights", "biases"),
            x=inputs[0],
            y=delta,
            weights=self.parameters["weights"].updates,
            biases=self.parameters["biases"].updates,
            **self.geometry,
        )
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            recorder.add(
                self,
                "dk_local_backward_data",
                writes=("x",),
                x=dx,
                y=delta,
                accumulate=accumulate,
                weights=self.parameters["weights"].storage,
                **self.geometry,
            )

    def multiply_adds(self) -> int:
        """Number of weights."""
        return self.parameters["weights"].count

    def describe(self) -> str:
        """Size, stride, activation."""
        o = self.values
        return f"{o.size} x {o.size} /{o.stride} {o.activation}"
