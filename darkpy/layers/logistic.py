"""[logistic]: the logistic function with its cross-entropy as cost."""

from __future__ import annotations

from typing import Any

from darkpy.engine.boundary import lib
from darkpy.engine.program import Tensor
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.activation_functions import activation_code
from darkpy.layers.shared.cost_layer import LOSS_WEIGHT, CostLayer

__all__ = ["Logistic"]


@register("logistic")
class Logistic(CostLayer):
    """y = 1 / (1 + exp(-x)) with the cost -t log y - (1 - t) log(1 - y) and delta t - y.

    Source: Darknet logistic_layer.c; the logarithms are kept finite.
    """

    options = (LOSS_WEIGHT,)

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the logistic function."""
        recorder.activate(self, inputs[0], output, activation_code("logistic"))

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record cost and delta."""
        self.record_cost(recorder, output, lib.DK_COST_LOGISTIC_CROSS_ENTROPY)
