"""[yolo] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.detection_head import anchors, entries, planes
from darkpy.layers.yolo import Yolo

__all__ = ["convert"]


def convert(graph: Graph, layer: Yolo) -> str:
    """Add Sigmoid on x, y, objectness and classes of each anchor; w and h stay as they are."""
    o = layer.values
    x = anchors(graph, layer, layer.entry)
    xy, wh, rest = (entries(graph, x, *limits) for limits in ((0, 2), (2, 4), (4, layer.entry)))
    if not o.new_coords:
        xy, rest = graph.add("Sigmoid", xy), graph.add("Sigmoid", rest)
    xy = graph.affine(xy, o.scale_x_y, -0.5 * (o.scale_x_y - 1))
    return planes(graph, layer, graph.add("Concat", xy, wh, rest, axis=2))
