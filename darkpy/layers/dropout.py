"""[dropout]: random zeros in training."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import flag, integer, real
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shape import ViewOf

__all__ = ["Dropout"]


@register("dropout")
class Dropout(Layer):
    """Training: each value is 0 with probability p, else x / (1 - p); inference: the input itself.

    The mask is a function of the seed, the step and the value's position: a seed gives the same
    bits for any number of threads, and the backward pass draws the mask again instead of storing
    it. Darknet works in place; here the previous layer's output stays unchanged, which
    matters for the gradient of activations such as logistic.

    Source: Darknet dropout_layer.c.
    """

    options = (
        real("probability", None, "share of zeros; default: .5 (alexeyab: .2)", minimum=0, below=1),
        flag("dropblock", False, "read for compatibility; GPU only", dialect="alexeyab"),
        real("dropblock_size_rel", 0.0, "read for compatibility; GPU only", dialect="alexeyab"),
        integer("dropblock_size_abs", 0, "read for compatibility; GPU only", dialect="alexeyab"),
    )

    def configure(self) -> None:
        """Fill in the dialect's default probability."""
        given = self.values.probability
        self.probability = float(self.dialect.dropout_probability if given is None else given)

    def view(self, training: bool) -> ViewOf | None:
        """In inference, the input itself."""
        return None if training else ViewOf(self.sources[0], 0, self.output_shape.channels)

    def _record(self, recorder: Recorder, x: Tensor, y: Tensor, accumulate: int) -> None:
        def draw(struct: Any, step: int) -> None:
            struct.counter = step << 40  # 2**40 values per step, 2**24 steps

        recorder.add(
            self,
            "dk_dropout",
            writes=("y",),
            prepare=draw,
            x=x,
            y=y,
            probability=self.probability,
            seed=int(self.generator().integers(1 << 63)),
            accumulate=accumulate,
        )

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the masked copy."""
        self._record(recorder, inputs[0], output, 0)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the same mask on delta."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            self._record(recorder, delta, dx, accumulate)

    def describe(self) -> str:
        """The probability."""
        return f"p = {self.probability:g}"
