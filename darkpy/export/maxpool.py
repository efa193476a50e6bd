"""[maxpool] in ONNX."""

from __future__ import annotations

import numpy as np

from darkpy.export.graph import Graph
from darkpy.export.shared.pooling_window import window_pads
from darkpy.layers.maxpool import Maxpool

__all__ = ["convert"]


def convert(graph: Graph, layer: Maxpool) -> str:
    """Add MaxPool, whose padding never wins; padding beyond ONNX's limit becomes a Pad."""
    x = graph.image(layer)
    g = layer.geometry
    before, behind = window_pads(layer)
    if max(before + behind) >= min(g["size_h"], g["size_w"]):
        lowest = float(np.finfo(np.float32).min)
        x = graph.pad(x, [0, 0, *before], [0, 0, *behind], lowest)
        before = behind = [0, 0]
    return graph.add(
        "MaxPool",
        x,
        kernel_shape=[g["size_h"], g["size_w"]],
        strides=[g["stride_h"], g["stride_w"]],
        pads=before + behind,
    )
