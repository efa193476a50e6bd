"""[softmax]: probabilities, with the cross-entropy as their cost."""

from __future__ import annotations

import warnings
from typing import Any

from darkpy.config.options import flag, integer, real, text
from darkpy.engine.boundary import lib
from darkpy.engine.program import Tensor, Values
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register
from darkpy.layers.shared.cost_layer import LOSS_WEIGHT, CostLayer

__all__ = ["Softmax"]


@register("softmax")
class Softmax(CostLayer):
    """y_i = exp((x_i - max) / T) / sum_j exp((x_j - max) / T), over each group of values.

    The cost is -sum t log y (the same as Darknet's for one-hot truths); delta = t - y for every T.

    Source: Darknet softmax_layer.c.
    """

    options = (
        integer("groups", 1, "parts of the input that are normalised separately", minimum=1),
        real("temperature", 1.0, "divides the input", above=0),
        flag("spatial", False, "read for compatibility; without effect in Darknet's CPU code"),
        flag("noloss", False, "1: the layer has no cost and sends no gradient of its own"),
        text("tree", None, "class hierarchy: not supported"),
        LOSS_WEIGHT,
    )

    def configure(self) -> None:
        """Check the groups."""
        o = self.values
        shape = self.input_shapes[0]
        if o.tree is not None:
            raise o.error("tree", "class hierarchies are not supported by this version of darkpy")
        if shape.size % o.groups:
            raise o.error("groups", f"must divide the {shape.size} inputs")
        self.output_shape = shape._replace(is_image=False)
        self.has_cost = not o.noloss

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the normalisation over each image's groups."""
        o, shape = self.values, self.output_shape
        whole = o.groups == 1 or shape.height * shape.width == 1
        if whole:
            x, y = inputs[0], output
            if shape.height * shape.width > 1:  # the values of an image must be contiguous
                x = recorder.dense(self, x)
                y = y if y.is_dense else recorder.temporary(shape)
        else:  # groups are ranges of Darknet's order
            x, y = recorder.to_darknet_order(self, inputs[0]), recorder.temporary(shape)
        pixels = shape.height * shape.width
        recorder.add(
            self,
            "dk_softmax_forward",
            writes=("y",),
            x=Values(x),
            y=Values(y),
            rows=recorder.batch,
            x_stride=x.stride * pixels,
            y_stride=y.stride * pixels,
            groups=o.groups,
            group_stride=shape.size // o.groups,
            group_size=shape.size // o.groups,
            temperature=o.temperature,
        )
        if not whole:
            recorder.from_darknet_order(self, y, output)
        elif y is not output:
            recorder.copy(self, y, output)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the cost, and t - y as the input's delta."""
        self.record_cost(recorder, output, lib.DK_COST_SOFTMAX_CROSS_ENTROPY)

    def check_network(self, layers: list[Layer]) -> None:
        """Warn once about Darknet's doubled gradient of [softmax] followed by [cost]."""
        following = layers[self.index + 1 : self.index + 2]
        if self.has_cost and following and following[0].kind == "cost":
            warnings.warn(
                f"{following[0].values.section.path}:{following[0].values.section.line}: "
                "[cost] after [softmax] doubles the gradient, as in Darknet (networks were tuned "
                "with it); write noloss=1 into [softmax] or leave [cost] out to have it once",
                stacklevel=2,
            )
