"""[shortcut]: the sum of two layers."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import choice, integers, real
from darkpy.engine.program import Again, Repeat, Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.activation_functions import (
    activation_code,
    activation_option,
    needs_input,
)

__all__ = ["Shortcut"]


@register("shortcut")
class Shortcut(Layer):
    """y = act(alpha * previous + beta * source) where both have values, else act(previous).

    Of two maps of different sizes, every (w1 / w2)-th pixel of the larger one meets a pixel of the
    smaller one, on the channels that both have. The output has the previous layer's shape.

    Source: Darknet shortcut_layer.c and blas.c shortcut_cpu (pjreddie).
    """

    options = (
        integers("from", None, "the layer to add; a negative number counts back from this one"),
        activation_option("linear"),
        real("alpha", 1.0, "factor on the previous layer", dialect="pjreddie"),
        real("beta", 1.0, "factor on the layer that is added", dialect="pjreddie"),
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
        return self.index - 1, self.earlier("from", listed[0])

    def configure(self) -> None:
        """Check that both axes have the same integer ratio of sizes."""
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

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the sum and the activation."""
        x, source = inputs
        fields: dict[str, Any] = {"again": Again(Repeat.SUM)}
        if recorder.training and needs_input(self.activation):
            total = recorder.temporary(self.output_shape)
            self._record(recorder, "dk_shortcut_forward", "y", x, source, total, **fields)
            recorder.activate(self, total, output, self.activation)
            return total
        fields["activation"] = self.activation
        self._record(recorder, "dk_shortcut_forward", "y", x, source, output, **fields)
        return output

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the gradients of activation and summands, in one call if the sizes are equal."""
        if self.sum_activation is not None:
            self._record_sum_backward(recorder, saved, delta)
            return
        if not self.is_linear:
            delta = recorder.activation_gradient(self, saved, delta, self.activation)
        if target := recorder.input_delta(self, 0):
            to, accumulate = target
            function = "dk_shortcut_backward_x"
            self._record(recorder, function, "x", to, inputs[1], delta, accumulate=accumulate)
        if target := recorder.input_delta(self, 1):
            to, accumulate = target
            function = "dk_shortcut_backward_source"
            self._record(recorder, function, "source", inputs[0], to, delta, accumulate=accumulate)

    def _record_sum_backward(self, recorder: Recorder, saved: Tensor, delta: Tensor) -> None:
        in_place = recorder.fusions.makes_sum_of(self.index)
        x = (delta, 0) if in_place else recorder.input_delta(self, 0)
        source = recorder.input_delta(self, 1)
        fields: dict[str, Any] = {} if self.is_linear else {"saved": saved}
        if x and not (in_place and self.is_linear):
            fields |= {"x": x[0], "accumulate_x": x[1]}
        if source:
            fields |= {"source": source[0], "accumulate_source": source[1]}
        recorder.add(
            self,
            "dk_sum_backward",
            writes=("x", "source"),
            delta=delta,
            activation=self.activation,
            **fields,
        )

    @property
    def sum_activation(self) -> int | None:
        """The activation's number, if the sizes are equal and the activation acts on each value."""
        o = self.values
        same = self.input_shapes[0][:3] == self.input_shapes[1][:3]
        plain = same and o.alpha == o.beta == 1 and not self.mixes_channels
        return self.activation if plain else None

    def _record(
        self,
        recorder: Recorder,
        function: str,
        written: str,
        x: Tensor,
        source: Tensor,
        y: Tensor,
        **fields: Any,
    ) -> None:
        o = self.values
        recorder.add(
            self,
            function,
            writes=(written,),
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
