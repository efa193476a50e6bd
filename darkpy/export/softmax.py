"""[softmax] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.softmax import Softmax

__all__ = ["convert"]


def convert(graph: Graph, layer: Softmax) -> str:
    """Add Softmax over each group of the flat vector."""
    o = layer.values
    x = graph.affine(graph.vector(layer), 1 / o.temperature)
    if o.groups == 1:
        return graph.add("Softmax", x, axis=1)
    x = graph.reshape(x, o.groups, layer.output_shape.size // o.groups)
    return graph.add("Flatten", graph.add("Softmax", x, axis=2), axis=1)
