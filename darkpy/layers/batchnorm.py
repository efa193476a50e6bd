"""[batchnorm]: batch normalisation alone (spec 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.kernels.program import Tensor
from darkpy.layers.activations import activation_code
from darkpy.layers.normalizing import NormalizingLayer
from darkpy.layers.registry import register

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Batchnorm"]


@register("batchnorm")
class Batchnorm(NormalizingLayer):
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
        self.add_normalization()

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the normalisation."""
        if plan.training:
            return self.record_normalization(plan, inputs[0], output)
        plan.add(
            self,
            "dk_batchnorm_apply",
            "dk_batchnorm",
            workspace="dk_batchnorm_apply_workspace",
            x=inputs[0],
            y=output,
            **self.parameter_fields(),
            **self.epsilon_fields(),
        )
        return None

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the three gradients; the input's is added."""
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
        else:  # the scales and biases still want their updates
            dx, accumulate = plan.temporary(self.output_shape), 0
        self.record_normalization_backward(plan, saved, output, delta, dx, accumulate)
