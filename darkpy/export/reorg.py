"""[reorg] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.permutation import as_shape, split_blocks
from darkpy.layers.reorg import Reorg
from darkpy.layers.shape import Shape

__all__ = ["convert"]


def convert(graph: Graph, layer: Reorg) -> str:
    """Add Reshape, Transpose, Reshape in Darknet's own order."""
    o, shape, output = layer.values, layer.input_shapes[0], layer.output_shape
    if o.flatten:
        sizes = (shape.channels, shape.height * shape.width)
        x = graph.reshape(graph.vector(layer), *(sizes[::-1] if o.reverse else sizes))
        moved = graph.add("Transpose", x, perm=[0, 2, 1])
        return as_shape(graph, moved, output)
    if o.extra:
        return graph.pad(graph.vector(layer), [0, 0], [0, o.extra], 0.0)
    s = o.stride
    channels = shape.channels // s**2
    if o.reverse:
        x = graph.reshape(graph.image(layer), s, s, channels, shape.height, shape.width)
        return as_shape(graph, graph.add("Transpose", x, perm=[0, 3, 4, 1, 5, 2]), output)
    small = Shape(channels, shape.height, shape.width)
    return split_blocks(graph, graph.image(layer), small, s, output)
