"""[route]: earlier layers joined along the channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from darkpy.config.options import integer, integers
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shape import ViewOf

__all__ = ["Route"]


@register("route")
class Route(Layer):
    """Concatenation of the listed layers' channels, or of one group of channels of each.

    Costs nothing if the plan lets the sources write straight into the joined tensor.

    Source: Darknet route_layer.c; maps of different sizes are an error (Darknet sets the output's
    height, width and channels to 0).
    """

    options = (
        integers("layers", None, "layers to join; negative numbers count back from this one"),
        integer(
            "groups", 1, "parts of each source, of which one is used", minimum=1, dialect="alexeyab"
        ),
        integer("group_id", 0, "which part, from 0", minimum=0, dialect="alexeyab"),
        integer("stream", 0, "read for compatibility; GPU only", dialect="alexeyab"),
    )

    def find_sources(self) -> tuple[int, ...]:
        """Resolve `layers`."""
        if not self.values.layers:
            raise self.error("needs layers=, a list of earlier layers")
        return tuple(self.earlier("layers", value) for value in self.values.layers)

    def configure(self) -> None:
        """Check that the maps have the same size."""
        o = self.values
        first = self.input_shapes[0]
        if o.group_id >= o.groups:
            raise o.error("group_id", f"must be less than groups={o.groups}")
        channels = 0
        self.parts: list[tuple[int, int]] = []
        for source, shape in zip(self.sources, self.input_shapes, strict=True):
            if (shape.height, shape.width) != (first.height, first.width):
                raise o.error(
                    "layers",
                    f"layer {source} has the size {shape}, layer {self.sources[0]} has {first}",
                )
            if shape.channels % o.groups:
                raise o.error(
                    "groups", f"must divide the {shape.channels} channels of layer {source}"
                )
            count = shape.channels // o.groups
            self.parts.append((count * o.group_id, count))
            channels += count
        self.output_shape = first._replace(
            channels=channels, is_image=any(shape.is_image for shape in self.input_shapes)
        )

    @property
    def joined(self) -> Sequence[tuple[int, int]]:
        """The part of each source; empty if there is only one: then the output is a view."""
        return self.parts if len(self.sources) > 1 else ()

    def view(self, training: bool) -> ViewOf | None:
        """The part of the source, if there is only one."""
        if len(self.sources) > 1:
            return None
        return ViewOf(self.sources[0], *self.parts[0])

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record copies of the sources that do not already lie in the joined tensor."""
        start = 0
        for k, (x, (first, count)) in enumerate(zip(inputs, self.parts, strict=True)):
            if not recorder.lies_in_output(self, k):
                recorder.copy(
                    self, x.channel_slice(first, count), output.channel_slice(start, count)
                )
            start += count

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: each part of delta is added to its source's, unless they are the same memory."""
        start = 0
        for k, (first, count) in enumerate(self.parts):
            if not recorder.lies_in_output(self, k):
                recorder.pass_delta(self, k, delta.channel_slice(start, count), part=(first, count))
            start += count

    def describe(self) -> str:
        """The sources."""
        return " ".join(map(str, self.sources))
