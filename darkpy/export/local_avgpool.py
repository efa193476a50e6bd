"""[local_avgpool] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.pooling_window import window_pads
from darkpy.layers.local_avgpool import LocalAvgpool

__all__ = ["convert"]


def convert(graph: Graph, layer: LocalAvgpool) -> str:
    """Add AveragePool over the pixels inside the image."""
    g = layer.geometry
    before, behind = window_pads(layer)
    if max(before + behind) >= min(g["size_h"], g["size_w"]):
        raise layer.error("has windows that may miss the image, which ONNX cannot express")
    return graph.add(
        "AveragePool",
        graph.image(layer),
        kernel_shape=[g["size_h"], g["size_w"]],
        strides=[g["stride_h"], g["stride_w"]],
        pads=before + behind,
        count_include_pad=0,
    )
