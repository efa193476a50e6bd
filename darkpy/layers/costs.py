"""What layers with a cost share, and [cost] and [logistic] (spec 3.7, 3.21)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.config.options import choice, real
from darkpy.engine.boundary import lib
from darkpy.engine.program import Tensor, Values
from darkpy.layers.activations import activation_code
from darkpy.layers.base import Layer
from darkpy.layers.registry import register

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["LOSS_WEIGHT", "Cost", "CostlyLayer", "Logistic"]

LOSS_WEIGHT = real(
    "loss_weight",
    None,
    "multiplies the layer's cost and delta; when any layer has it the network's cost is the "
    "weighted sum, else Darknet's mean",
    minimum=0,
    dialect="darkpy",
)


class CostlyLayer(Layer):
    """A layer that compares its input or output with the truth."""

    has_cost = True

    @property
    def loss_weight(self) -> float | None:
        """The additive key ``loss_weight``, None when it is not given."""
        weight = self.values.loss_weight if "loss_weight" in tuple(self.values) else None
        return None if weight is None else float(weight)

    def record_cost(
        self,
        plan: Plan,
        prediction: Tensor,
        kind: int,
        scale: float = 1.0,
        losses: Tensor | None = None,
    ) -> None:
        """Record the cost of `prediction` and pass its delta on to the input.

        The layer's own delta is what later layers sent plus the cost's; `scale` multiplies it on
        the way. `losses`, where given, receives the loss of each value.
        """
        weight = 1.0 if self.loss_weight is None else self.loss_weight
        fields: dict[str, Any] = {"prediction": prediction, "kind": kind}
        if not self.has_cost:
            delta, _ = plan.own_delta(self)
            plan.pass_delta(self, 0, delta, scale)
            return
        fields["truth"] = Values(plan.truth(self))
        fields["costs"] = plan.costs(self)
        if losses is not None:
            fields["losses"] = losses
        if plan.keep or plan.has_delta(self):
            delta, accumulate = plan.own_delta(self)
            fields |= {"delta": delta, "accumulate": accumulate, "delta_factor": weight}
            plan.add(self, "dk_cost", "dk_cost", **fields)
            plan.pass_delta(self, 0, delta, scale)
            return
        # Nobody else sends a delta to this layer: write it straight into the input's.
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
            fields |= {"delta": dx, "accumulate": accumulate, "delta_factor": weight * scale}
        plan.add(self, "dk_cost", "dk_cost", **fields)


@register("cost")
class Cost(CostlyLayer):
    """The difference between prediction p and truth t, summed over an image's values.

    sse: (t - p)^2, delta t - p (half the derivative, as Darknet); masked: sse where t is not -1234;
    smooth: e^2 if abs(e) < 1 else 2 abs(e) - 1 with e = t - p, delta e or its sign (Darknet's sign
    is reversed there); L1: abs(t - p), delta sign(t - p). seg and wgan run sse, as on Darknet's
    CPU. The output is the cost of each value after ``train_step(keep=True)``, else zeros.

    Source: Darknet cost_layer.c.
    """

    is_answer = False
    options = (
        choice("type", "sse", ("sse", "masked", "smooth", "L1", "seg", "wgan"), "kind of cost"),
        real("scale", 1.0, "multiplies the delta on its way back"),
        real("ratio", 0.0, "read for compatibility; GPU only"),
        real("noobj", 1.0, "read for compatibility; GPU only"),
        real("thresh", 0.0, "read for compatibility; GPU only"),
        LOSS_WEIGHT,
    )

    def configure(self) -> None:
        """Set the kind; the output is Darknet's array of errors, a vector."""
        self.output_shape = self.input_shapes[0]._replace(is_image=False)
        self.code = {
            "masked": lib.DK_COST_MASKED,
            "smooth": lib.DK_COST_SMOOTH,
            "L1": lib.DK_COST_L1,
        }.get(self.values.type, lib.DK_COST_SSE)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record zeros: without a truth there is no error; `backward` has one."""
        plan.add(self, "dk_fill", "dk_fill", y=output, value=0.0)

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record cost and delta."""
        # The output is there to be looked at only.
        losses = output if plan.keep else None
        self.record_cost(plan, inputs[0], self.code, self.values.scale, losses)


@register("logistic")
class Logistic(CostlyLayer):
    """y = 1 / (1 + exp(-x)) with the cost -t log y - (1 - t) log(1 - y) and delta t - y.

    Source: Darknet logistic_layer.c; the logarithms are kept finite.
    """

    options = (LOSS_WEIGHT,)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the logistic function."""
        kind = activation_code("logistic")
        plan.add(self, "dk_activate", "dk_activate", x=inputs[0], y=output, kind=kind)

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record cost and delta."""
        self.record_cost(plan, output, lib.DK_COST_LOGISTIC_CROSS_ENTROPY)
