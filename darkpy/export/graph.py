"""An ONNX graph while it is built: nodes, constants, and the names that join them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.layers.base import Layer
from darkpy.layers.shape import INPUT, Shape

__all__ = ["INPUT_NAME", "Graph"]

INPUT_NAME = "input"


class Graph:
    """Nodes and constants in the order in which they were added.

    Values have names. The output of a layer is an image (N, C, H, W) or a vector (N, n), according
    to its shape; both are in Darknet's order.

    Parameters
    ----------
    input_shape : Shape
        The shape of one input image.

    Attributes
    ----------
    nodes, constants : list
        ``onnx.NodeProto`` and ``onnx.TensorProto``.
    fold : bool
        Whether batch normalisation goes into the weights.
    """

    def __init__(self, input_shape: Shape, *, fold: bool) -> None:
        self.fold = fold
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.constant_bytes = 0
        self._layer = ""
        self._used: set[str] = {INPUT_NAME}
        self._outputs: dict[int, tuple[str, Shape]] = {INPUT: (INPUT_NAME, input_shape)}

    # -- adding -----------------------------------------------------------------------------------

    def begin(self, layer: Layer) -> None:
        """Name the nodes that follow after `layer`."""
        self._layer = f"layer{layer.index}_{layer.kind}"

    def end(self, layer: Layer, name: str) -> None:
        """Declare the value `name` to be the layer's output."""
        self._outputs[layer.index] = name, layer.output_shape

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        from onnx import helper

        output = self._unused(f"{self._layer}_{operation.lower()}")
        self.nodes.append(
            helper.make_node(operation, list(inputs), [output], name=output, **attributes)
        )
        return output

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Add an array (Python floats become float32, integers int64); return its name."""
        from onnx import numpy_helper

        array = np.asarray(value)
        array = np.ascontiguousarray(array, np.float32 if array.dtype.kind == "f" else np.int64)
        unique = self._unused(f"{self._layer}_{name}")
        self.constants.append(numpy_helper.from_array(array, unique))
        self.constant_bytes += array.nbytes
        return unique

    # -- small pieces that many layers use --------------------------------------------------------

    def affine(self, x: str, factor: float, offset: float = 0.0) -> str:
        """``factor * x + offset``; a factor of 1 and an offset of 0 are left out."""
        if factor != 1:
            x = self.add("Mul", x, self.constant("factor", float(factor)))
        if offset != 0:
            x = self.add("Add", x, self.constant("offset", float(offset)))
        return x

    def clip(self, x: str, low: float, high: float) -> str:
        """``min(max(x, low), high)``."""
        return self.add(
            "Clip", x, self.constant("low", float(low)), self.constant("high", float(high))
        )

    def reshape(self, x: str, *sizes: int) -> str:
        """View each image of `x` as an array of `sizes`."""
        return self.add("Reshape", x, self.constant("shape", [0, *sizes]))

    def cut(self, x: str, first: list[int], end: list[int], axes: list[int]) -> str:
        """Values first .. end-1 of each of `axes`."""
        limits = [self.constant(n, v) for n, v in (("first", first), ("end", end), ("axes", axes))]
        return self.add("Slice", x, *limits)

    def pad(self, x: str, begin: list[int], end: list[int], value: float) -> str:
        """Constant values around `x`; one count per axis."""
        return self.add(
            "Pad", x, self.constant("pads", begin + end), self.constant("value", float(value))
        )

    # -- what layers read -------------------------------------------------------------------------

    def image(self, layer: Layer, k: int = 0) -> str:
        """The layer's k-th source as (N, C, H, W)."""
        name, shape = self._outputs[layer.sources[k]]
        if shape.is_image:
            return name
        return self.reshape(name, shape.channels, shape.height, shape.width)

    def vector(self, layer: Layer, k: int = 0) -> str:
        """The layer's k-th source as (N, n)."""
        return self.vector_of(layer.sources[k])

    def vector_of(self, index: int) -> str:
        """The output of layer `index` as (N, n)."""
        name, shape = self._outputs[index]
        return self.add("Flatten", name, axis=1) if shape.is_image else name

    def same(self, layer: Layer, k: int = 0) -> str:
        """The layer's k-th source, in its own shape."""
        return self._outputs[layer.sources[k]][0]

    def _unused(self, name: str) -> str:
        """`name`, with a number appended if it is in use."""
        name = re.sub(r"\W", "_", name)
        unique, number = name, 1
        while unique in self._used:
            number += 1
            unique = f"{name}{number}"
        self._used.add(unique)
        return unique
