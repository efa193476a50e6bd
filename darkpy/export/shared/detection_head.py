"""The entries of each anchor of a detector's head in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.shared.detection_head import DetectionHead

__all__ = ["anchors", "entries", "planes"]


def anchors(graph: Graph, layer: DetectionHead, entry: int) -> str:
    """The input as (N, anchors, `entry` values of an anchor, pixels)."""
    shape = layer.output_shape
    sizes = (shape.channels // entry, entry, shape.height * shape.width)
    return graph.reshape(graph.image(layer), *sizes)


def entries(graph: Graph, x: str, first: int, end: int) -> str:
    """The entries first .. end-1 of every anchor."""
    return graph.cut(x, [first], [end], [2])


def planes(graph: Graph, layer: DetectionHead, x: str) -> str:
    """All entries of all anchors as the channels of an image."""
    shape = layer.output_shape
    return graph.reshape(x, shape.channels, shape.height, shape.width)
