"""[reorg]: blocks of pixels to channels, and back."""

from __future__ import annotations

import numpy as np

from darkpy.config.options import flag, integer
from darkpy.layers.registry import register
from darkpy.layers.shape import Shape
from darkpy.layers.shared.permutation import IndexArray, Permutation, reorg_index

__all__ = ["Reorg"]


@register("reorg")
class Reorg(Permutation):
    """Blocks of pixels to channels, in Darknet's own order, on which trained weights depend.

    The input's memory is read as if it were a map of c / stride^2 channels and stride times the
    height and width. flatten=1 exchanges pixels and channels; extra=n appends n zeros.

    Source: Darknet reorg_layer.c, blas.c reorg_cpu and flatten.
    """

    options = (
        integer("stride", 1, "height and width of the blocks", minimum=1),
        flag("reverse", False, "the inverse: channels to blocks"),
        flag("flatten", False, "exchange pixels and channels", dialect="pjreddie"),
        integer("extra", 0, "number of zeros to append", minimum=0, dialect="pjreddie"),
    )

    def configure(self) -> None:
        """Set the output's size."""
        o = self.values
        shape = self.input_shapes[0]
        stride = o.stride
        if o.flatten:
            return
        if o.extra:
            self.output_shape = Shape.vector(shape.size + o.extra)
            return
        if shape.channels % stride**2:
            raise o.error("stride", f"its square must divide the {shape.channels} channels")
        if o.reverse:
            self.output_shape = Shape(
                shape.channels // stride**2, shape.height * stride, shape.width * stride
            )
            return
        if shape.height % stride or shape.width % stride:
            raise o.error("stride", f"must divide the height and width of the input {shape}")
        self.output_shape = Shape(
            shape.channels * stride**2, shape.height // stride, shape.width // stride
        )

    def darknet_index(self) -> IndexArray:
        """Return the order that the options describe."""
        o = self.values
        shape = self.input_shapes[0]
        everything = np.arange(shape.size)
        if o.flatten:
            sizes = (shape.channels, shape.height * shape.width)
            return everything.reshape(sizes[::-1] if o.reverse else sizes).T.reshape(-1)
        if o.extra:
            return np.concatenate([everything, np.full(o.extra, -1)])
        return reorg_index(shape, o.stride, o.reverse)
