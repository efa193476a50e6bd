"""[activation]: an activation alone."""

from __future__ import annotations

from typing import Any

from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.activation_functions import (
    activation_code,
    activation_option,
    needs_input,
)

__all__ = ["Activation"]


@register("activation")
class Activation(Layer):
    """y = act(x). Source: Darknet activation_layer.c; the gradient is added, not assigned."""

    options = (activation_option("linear"),)

    def configure(self) -> None:
        """Find the activation's number."""
        self.code = activation_code(self.values.activation)

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the activation."""
        recorder.activate(self, inputs[0], output, self.code)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record delta times the derivative."""
        saved = inputs[0] if needs_input(self.code) else output
        delta = recorder.activation_gradient(self, saved, delta, self.code)
        recorder.pass_delta(self, 0, delta)

    def describe(self) -> str:
        """Return the name."""
        return str(self.values.activation)
