"""[batchnorm]: batch normalisation alone."""

from __future__ import annotations

from typing import Any

from darkpy.engine.program import Tensor
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.activation_functions import activation_code
from darkpy.layers.shared.batchnorm_or_bias import BatchnormOrBiasLayer

__all__ = ["Batchnorm"]


@register("batchnorm")
class Batchnorm(BatchnormOrBiasLayer):
    """y = scale * (x - mean) / deviation + bias, per channel.

    Source: Darknet batchnorm_layer.c. pjreddie's own cannot run ([batchnorm] crashes there); the
    file order is AlexeyAB's, biases first.
    """

    def configure(self) -> None:
        """Register parameters."""
        self.channels = self.input_shapes[0].channels
        self.normalizes = True
        self.rolling = self.dialect.bn_rolling_weight
        self.activation = activation_code("linear")
        self.add_bias()
        self.add_batchnorm()

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the normalisation."""
        if recorder.training:
            return self.record_batchnorm(recorder, inputs[0], output)
        recorder.add(
            self,
            "dk_batchnorm_apply",
            writes=("y",),
            x=inputs[0],
            y=output,
            **self.parameter_fields(),
            **self.epsilon_fields(),
        )
        return None

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the gradients of scales, biases and input."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
        else:  # scales and biases still need their updates
            dx, accumulate = recorder.temporary(self.output_shape), 0
        self.record_batchnorm_backward(recorder, saved, output, delta, dx, accumulate)
