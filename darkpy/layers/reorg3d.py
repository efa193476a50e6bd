"""[reorg3d]: blocks of pixels to channels, the usual space-to-depth."""

from __future__ import annotations

from darkpy.config.options import flag, integer
from darkpy.layers.registry import register
from darkpy.layers.shape import Shape
from darkpy.layers.shared.permutation import IndexArray, Permutation, reorg_index

__all__ = ["Reorg3d"]


@register("reorg3d")
class Reorg3d(Permutation):
    """out[o * c + k, j, i] = x[k, j * stride + o // stride, i * stride + o % stride].

    Source: AlexeyAB/darknet reorg_layer.c.
    """

    is_alexeyab = True
    options = (
        integer("stride", 1, "height and width of the blocks", minimum=1),
        flag("reverse", False, "the inverse: not supported"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        o = self.values
        shape = self.need_image()
        if o.reverse:
            raise o.error("reverse", "is not supported")
        if shape.height % o.stride or shape.width % o.stride:
            raise o.error("stride", f"must divide the height and width of the input {shape}")
        self.output_shape = Shape(
            shape.channels * o.stride**2, shape.height // o.stride, shape.width // o.stride
        )

    def darknet_index(self) -> IndexArray:
        """Darknet's formula, given the output's sizes."""
        return reorg_index(self.output_shape, self.values.stride, False)
