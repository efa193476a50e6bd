"""Layers with a cost: the comparison with the truth, and the delta that follows from it."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import real
from darkpy.engine.program import Tensor, Values
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.shape import Shape

__all__ = ["LOSS_WEIGHT", "CostLayer"]

LOSS_WEIGHT = real(
    "loss_weight",
    None,
    "factor on the layer's cost and delta; if any layer has it, the network's cost is the weighted "
    "sum, else Darknet's mean",
    minimum=0,
    dialect="darkpy",
)


class CostLayer(Layer):
    """A layer that compares its input or output with the truth."""

    has_cost = True

    @property
    def truth_shape(self) -> Shape | None:
        """The shape of the output; None if the layer has no cost."""
        return self.output_shape if self.has_cost else None

    @property
    def loss_weight(self) -> float | None:
        """The value of darkpy's key ``loss_weight``; None if it is not given."""
        weight = self.values.loss_weight if "loss_weight" in self.values else None
        return None if weight is None else float(weight)

    def record_cost(
        self,
        recorder: Recorder,
        prediction: Tensor,
        kind: int,
        scale: float = 1.0,
        losses: Tensor | None = None,
    ) -> None:
        """Record the cost of `prediction`, and add its delta to the input's.

        The layer's own delta is the sum of later layers' deltas and that of the cost; `scale` is a
        factor on it. `losses`, if given, receives the loss of each value.
        """
        weight = 1.0 if self.loss_weight is None else self.loss_weight
        fields: dict[str, Any] = {"prediction": prediction, "kind": kind}
        if not self.has_cost:
            delta, _ = recorder.own_delta(self)
            recorder.pass_delta(self, 0, delta, scale)
            return
        fields["truth"] = Values(recorder.truth(self))
        fields["costs"] = recorder.cost(self)
        if losses is not None:
            fields["losses"] = losses
        if recorder.keep or recorder.has_delta(self):
            delta, accumulate = recorder.own_delta(self)
            fields |= {"delta": delta, "accumulate": accumulate, "delta_factor": weight}
            recorder.add(self, "dk_cost", writes=("costs", "delta", "losses"), **fields)
            recorder.pass_delta(self, 0, delta, scale)
            return
        # No later layer has a delta for this one, so the cost writes straight into the input's.
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            fields |= {"delta": dx, "accumulate": accumulate, "delta_factor": weight * scale}
        recorder.add(self, "dk_cost", writes=("costs", "delta", "losses"), **fields)
