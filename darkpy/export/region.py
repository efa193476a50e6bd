"""[region] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.detection_head import anchors, entries, planes
from darkpy.layers.region import Region

__all__ = ["convert"]


def convert(graph: Graph, layer: Region) -> str:
    """Add Sigmoid on x, y and objectness, and Softmax (or Sigmoid) over the classes."""
    o = layer.values
    x = anchors(graph, layer, layer.entry)
    xy = graph.add("Sigmoid", entries(graph, x, 0, 2))
    others = entries(graph, x, 2, o.coords)
    objectness = entries(graph, x, o.coords, o.coords + 1)
    classes = entries(graph, x, o.coords + 1, layer.entry)
    if not o.background:
        objectness = graph.add("Sigmoid", objectness)
    if not o.softmax:
        rest = [objectness, graph.add("Sigmoid", classes)]
    elif o.background:
        joined = graph.add("Concat", objectness, classes, axis=2)
        rest = [graph.add("Softmax", joined, axis=2)]
    else:
        rest = [objectness, graph.add("Softmax", classes, axis=2)]
    return planes(graph, layer, graph.add("Concat", xy, others, *rest, axis=2))
