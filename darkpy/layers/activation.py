"""[activation]: an activation alone (spec 3.21)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.registry import register
from darkpy.layers.shared.activation_functions import (
    activation_code,
    activation_option,
    needs_input,
)

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Activation"]


@register("activation")
class Activation(Layer):
    """y = act(x). Source: Darknet activation_layer.c; the gradient is added, not assigned."""

    options = (activation_option("linear"),)

    def configure(self) -> None:
        """Look the activation up."""
        self.code = activation_code(self.values.activation)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record it."""
        plan.add(self, "dk_activate", "dk_activate", x=inputs[0], y=output, kind=self.code)

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record delta times the derivative."""
        if plan.keep:
            delta = plan.copy_of(self, delta)
        plan.add(
            self,
            "dk_activation_gradient",
            "dk_activation_gradient",
            saved=inputs[0] if needs_input(self.code) else output,
            delta=delta,
            kind=self.code,
        )
        plan.pass_delta(self, 0, delta)

    def describe(self) -> str:
        """Return the name."""
        return str(self.values.activation)
