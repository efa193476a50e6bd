"""Pooling windows: their options, the output's size, the fields that C reads."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import integer
from darkpy.layers.base import Layer
from darkpy.layers.shape import Shape

__all__ = ["POOLING_OPTIONS", "pooling_geometry"]

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


def pooling_geometry(layer: Layer) -> tuple[Shape, dict[str, Any]]:
    """Return output shape and C fields of a pooling layer; `padding` is the total of both sides."""
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
