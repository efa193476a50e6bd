"""[connected]: a fully connected layer."""

from __future__ import annotations

import numpy as np

from darkpy.config.options import flag, integer
from darkpy.engine.boundary import FloatArray
from darkpy.layers.registry import register
from darkpy.layers.shape import Shape
from darkpy.layers.shared.activation_functions import activation_code, activation_option
from darkpy.layers.shared.filter_layer import FilterLayer

__all__ = ["Connected"]


@register("connected")
class Connected(FilterLayer):
    """y = act(W x + b) over all values of an image, W of shape (outputs, inputs).

    Source: Darknet connected_layer.c.
    """

    options = (
        integer("output", 1, "number of outputs", minimum=1),
        activation_option("logistic"),
        flag("batch_normalize", False, "normalise over the batch before the bias"),
    )

    def configure(self) -> None:
        """Register parameters."""
        o = self.values
        shape = self.input_shapes[0]
        self.output_shape = Shape.vector(o.output)
        self.geometry = {
            "channels": shape.channels,
            "filters": o.output,
            "groups": 1,
            "size_h": shape.height,
            "size_w": shape.width,
            "stride_h": 1,
            "stride_w": 1,
            "pad_h": 0,
            "pad_w": 0,
            "dilation_h": 1,
            "dilation_w": 1,
        }
        self.channels = o.output
        self.normalizes = o.batch_normalize
        self.rolling = self.dialect.bn_rolling_weight_connected
        self.activation = activation_code(o.activation)
        self.add_bias()
        self.check_weights(o.output * shape.size)
        self.add_weights((o.output, shape.size))
        if self.normalizes:
            self.add_batchnorm()

    def initial_weights(self) -> FloatArray:
        """Uniform in +-sqrt(2 / inputs)."""
        shape = self.parameters["weights"].shape
        scale = np.float32(np.sqrt(2 / shape[1]))
        return (self.generator().random(shape, np.float32) * 2 - 1) * scale

    def multiply_adds(self) -> int:
        """Number of weights."""
        return self.parameters["weights"].count

    def describe(self) -> str:
        """The activation."""
        return f"{'bn ' if self.normalizes else ''}{self.values.activation}"
