"""[maxpool]: maximum over windows (spec 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.config.options import integer
from darkpy.engine.boundary import lib
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer, Shape
from darkpy.layers.registry import register

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["Maxpool", "pooling_geometry"]


def pooling_geometry(layer: Layer) -> tuple[Shape, dict[str, Any]]:
    """Output shape and C fields of a pooling layer; `padding` is the total of both sides."""
    o = layer.values
    shape = layer.need_image()
    stride_h, stride_w = o.stride_y or o.stride, o.stride_x or o.stride
    size = o.size or o.stride
    padding = size - 1 if o.padding is None else o.padding
    if min(shape.height, shape.width) + padding < size:
        raise o.error("size", f"is larger than the padded input of {shape}")
    height = (shape.height + padding - size) // stride_h + 1
    width = (shape.width + padding - size) // stride_w + 1
    fields: dict[str, Any] = {
        "size_h": size,
        "size_w": size,
        "stride_h": stride_h,
        "stride_w": stride_w,
        "pad_h": padding // 2,
        "pad_w": padding // 2,
    }
    return Shape(shape.channels, height, width), fields


POOLING_OPTIONS = (
    integer("stride", 1, "step between windows in pixels", minimum=1),
    integer("stride_x", None, "step along a row; default: stride", minimum=1, dialect="alexeyab"),
    integer(
        "stride_y", None, "step along a column; default: stride", minimum=1, dialect="alexeyab"
    ),
    integer("size", None, "height and width of the window; default: stride", minimum=1),
    integer(
        "padding",
        None,
        "pixels of padding, both sides together; default: size - 1",
        minimum=0,
        maximum=1 << 16,
    ),
)


@register("maxpool", "max")
class Maxpool(Layer):
    """Largest value of each window.

    Windows start at i * stride - padding // 2 and are cut at the border.

    Source: Darknet maxpool_layer.c.
    """

    options = (
        *POOLING_OPTIONS,
        integer("pad", 0, "read for compatibility; without effect in Darknet"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        self.output_shape, self.geometry = pooling_geometry(self)

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the pooling; training keeps where each maximum was."""
        places = None
        if plan.training:
            g = self.geometry
            size = lib.dk_maxpool_place_bytes(g["size_h"], g["size_w"])
            places = plan.buffer(-(-plan.batch * self.output_shape.size * size // 4))
        plan.add(
            self,
            "dk_maxpool_forward",
            "dk_pool",
            x=inputs[0],
            y=output,
            places=places,
            **self.geometry,
        )
        return places

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record: each delta goes to where its maximum was."""
        for filters, first in plan.pooled_by(self):
            part = first, filters.channels
            filters.record_bias_backward(
                plan, output.channel_slice(*part), delta.channel_slice(*part)
            )
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
            plan.add(
                self,
                "dk_maxpool_backward",
                "dk_pool",
                x=dx,
                y=delta,
                places=saved,
                accumulate=accumulate,
                **self.geometry,
            )

    @property
    def has_empty_windows(self) -> bool:
        """Whether a window may lie outside the image altogether."""
        g, shape, out = self.geometry, self.input_shapes[0], self.output_shape
        ends = (
            (g["pad_h"], g["size_h"], (out.height - 1) * g["stride_h"], shape.height),
            (g["pad_w"], g["size_w"], (out.width - 1) * g["stride_w"], shape.width),
        )
        return any(pad >= size or last - pad >= limit for pad, size, last, limit in ends)

    def describe(self) -> str:
        """Size and stride."""
        g = self.geometry
        return f"{g['size_h']} x {g['size_w']} /{g['stride_h']}"
