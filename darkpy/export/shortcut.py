"""[shortcut] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.activation_functions import activate
from darkpy.layers.shape import Shape
from darkpy.layers.shortcut import Shortcut

__all__ = ["convert"]


def convert(graph: Graph, layer: Shortcut) -> str:
    """Add the sum, of the common part if the sizes differ, and the activation."""
    o = layer.values
    previous, source = layer.input_shapes
    if previous == source:
        x, other = graph.same(layer), graph.same(layer, 1)
        y = graph.add("Add", graph.affine(x, o.alpha), graph.affine(other, o.beta))
        return activate(graph, y, o.activation)
    if o.alpha != 1 or previous.width > source.width:
        raise layer.error("of maps with these sizes has no counterpart in ONNX")
    x, other = graph.image(layer), _subsampled(graph, graph.image(layer, 1), previous, source)
    channels = min(previous.channels, source.channels)
    if channels < source.channels:
        other = graph.cut(other, [0], [channels], [1])
    other = graph.affine(other, o.beta)
    if channels == previous.channels:
        y = graph.add("Add", x, other)
    else:  # two slices instead of padding with zeros: fewer additions, and every runtime has them
        rest = graph.cut(x, [channels], [previous.channels], [1])
        first = graph.add("Add", graph.cut(x, [0], [channels], [1]), other)
        y = graph.add("Concat", first, rest, axis=1)
    return activate(graph, y, o.activation)


def _subsampled(graph: Graph, x: str, shape: Shape, source: Shape) -> str:
    """Every (w1 / w2)-th pixel of `x`, by pooling of one pixel, which most runtimes have."""
    stride = source.width // shape.width
    if stride > 1:
        x = graph.add("MaxPool", x, kernel_shape=[1, 1], strides=[stride, stride])
    height, width = (-(-n // stride) for n in (source.height, source.width))
    if (height, width) != (shape.height, shape.width):
        x = graph.cut(x, [0, 0], [shape.height, shape.width], [2, 3])
    return x
