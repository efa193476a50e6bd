"""[route] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.route import Route

__all__ = ["convert"]


def convert(graph: Graph, layer: Route) -> str:
    """Add slices of the sources, joined by Concat."""
    parts = []
    for k, (first, count) in enumerate(layer.parts):
        x = graph.image(layer, k) if layer.output_shape.is_image else graph.vector(layer, k)
        if count < layer.input_shapes[k].channels:
            x = graph.cut(x, [first], [first + count], [1])
        parts.append(x)
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
