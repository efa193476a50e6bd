"""[upsample] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.upsample import Upsample

__all__ = ["convert"]


def convert(graph: Graph, layer: Upsample) -> str:
    """Add Resize to the nearest pixel, or for a negative stride the sums of blocks."""
    stride, scale = layer.values.stride, layer.values.scale
    x = graph.image(layer)
    if stride < 0:
        blocks = [-stride, -stride]
        mean = graph.add("AveragePool", x, kernel_shape=blocks, strides=blocks)
        return graph.affine(mean, scale * stride**2)
    larger = graph.add(
        "Resize",
        x,
        "",
        graph.constant("scales", [1.0, 1.0, float(stride), float(stride)]),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return graph.affine(larger, scale)
