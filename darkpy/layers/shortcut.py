"""[shortcut]: the sum of two layers (spec 3.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.config.options import choice, integers, real
from darkpy.kernels.program import Tensor
from darkpy.layers.activations import (
    activation_code,
    activation_option,
    mixes_channels,
    needs_input,
)
from darkpy.layers.base import Layer
from darkpy.layers.references import absolute_index
from darkpy.layers.registry import register

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Shortcut"]


@register("shortcut")
class Shortcut(Layer):
    """y = act(alpha * previous + beta * source) where both have values, else act(previous).

    Maps of unequal sizes overlap at every (w1 / w2)-th pixel, or (w2 / w1)-th output, and on the
    channels that both have; the output has the previous layer's shape.

    Source: Darknet shortcut_layer.c and blas.c shortcut_cpu (pjreddie).
    """

    options = (
        integers("from", None, "the layer to add; a negative number counts back from this one"),
        activation_option("linear"),
        real("alpha", 1.0, "factor on the previous layer", dialect="pjreddie"),
        real("beta", 1.0, "factor on the other one", dialect="pjreddie"),
        choice(
            "weights_type", "none", ("none",), "learned weights: not supported", dialect="alexeyab"
        ),
    )

    def find_sources(self) -> tuple[int, ...]:
        """Return the previous layer and `from`."""
        listed = self.values["from"]
        if not listed:
            raise self.error("needs from=, an earlier layer")
        if len(listed) > 1:
            raise self.values.error("from", "several layers are not supported")
        if self.index == 0:
            raise self.error("cannot be the first layer")
        return self.index - 1, absolute_index(self.values, "from", listed[0], self.index)

    def configure(self) -> None:
        """Check that the sizes are multiples of each other in the same way on both axes."""
        previous, source = self.input_shapes
        pairs = ((source.width, previous.width), (source.height, previous.height))
        strides = {(max(1, a // b), max(1, b // a)) for a, b in pairs}
        if len(strides) > 1:
            raise self.values.error(
                "from", f"its size {source} does not fit the previous layer's {previous}"
            )
        self.output_shape = previous
        self.activation = activation_code(self.values.activation)
        self.is_linear = self.activation == activation_code("linear")

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record sum and activation."""
        if plan.training and needs_input(self.activation):
            total = plan.temporary(self.output_shape)
            self._record(plan, "dk_shortcut_forward", inputs[0], inputs[1], total)
            plan.add(self, "dk_activate", "dk_activate", x=total, y=output, kind=self.activation)
            return total
        previous, source = inputs
        self._record(
            plan, "dk_shortcut_forward", previous, source, output, activation=self.activation
        )
        return output

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the activation's gradient and both summands', in one call where sizes agree."""
        if self.is_plain_sum:
            self._record_sum_backward(plan, saved, delta)
            return
        if not self.is_linear:
            if plan.keep:
                delta = plan.copy_of(self, delta)
            plan.add(
                self,
                "dk_activation_gradient",
                "dk_activation_gradient",
                saved=saved,
                delta=delta,
                kind=self.activation,
            )
        if target := plan.input_delta(self, 0):
            to, accumulate = target
            self._record(
                plan, "dk_shortcut_backward_x", to, inputs[1], delta, accumulate=accumulate
            )
        if target := plan.input_delta(self, 1):
            to, accumulate = target
            self._record(
                plan, "dk_shortcut_backward_source", inputs[0], to, delta, accumulate=accumulate
            )

    def _record_sum_backward(self, plan: Plan, saved: Tensor, delta: Tensor) -> None:
        in_place = plan.is_sum_in_place(self)
        x = (delta, 0) if in_place else plan.input_delta(self, 0)
        source = plan.input_delta(self, 1)
        fields: dict[str, Any] = {} if self.is_linear else {"saved": saved}
        if x and not (in_place and self.is_linear):
            fields |= {"x": x[0], "accumulate_x": x[1]}
        if source:
            fields |= {"source": source[0], "accumulate_source": source[1]}
        plan.add(
            self,
            "dk_sum_backward",
            "dk_sum_backward",
            delta=delta,
            activation=self.activation,
            **fields,
        )

    @property
    def is_plain_sum(self) -> bool:
        """Whether it is act(previous + source) of equal sizes, value by value."""
        o = self.values
        same = self.input_shapes[0][:3] == self.input_shapes[1][:3]
        return same and o.alpha == o.beta == 1 and not mixes_channels(self)

    def _record(
        self, plan: Plan, function: str, x: Tensor, source: Tensor, y: Tensor, **fields: Any
    ) -> None:
        o = self.values
        plan.add(
            self,
            function,
            "dk_shortcut",
            x=x,
            source=source,
            y=y,
            alpha=o.alpha,
            beta=o.beta,
            **fields,
        )

    def describe(self) -> str:
        """Source and activation."""
        return f"{self.sources[1]} {self.values.activation}"
