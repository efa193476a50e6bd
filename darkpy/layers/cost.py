"""[cost]: the difference between prediction and truth."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import choice, real
from darkpy.engine.enums import COSTS
from darkpy.engine.program import Tensor
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.cost_layer import LOSS_WEIGHT, CostLayer

__all__ = ["Cost"]


@register("cost")
class Cost(CostLayer):
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
        real("scale", 1.0, "factor on the delta"),
        real("ratio", 0.0, "read for compatibility; GPU only"),
        real("noobj", 1.0, "read for compatibility; GPU only"),
        real("thresh", 0.0, "read for compatibility; GPU only"),
        LOSS_WEIGHT,
    )

    def configure(self) -> None:
        """Set the kind of cost; the output is Darknet's array of errors, a vector."""
        self.output_shape = self.input_shapes[0]._replace(is_image=False)
        kind = self.values.type
        self.code = COSTS.index(kind if kind in COSTS else "sse")

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record zeros: the truth, and so the error, is known in training only, by `backward`."""
        recorder.add(self, "dk_fill", writes=("y",), y=output, value=0.0)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record cost and delta."""
        # The output is only for users to look at.
        losses = output if recorder.keep else None
        self.record_cost(recorder, inputs[0], self.code, self.values.scale, losses)
