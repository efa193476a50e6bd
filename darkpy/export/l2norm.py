"""[l2norm] in ONNX."""

from __future__ import annotations

import numpy as np

from darkpy.export.graph import Graph
from darkpy.layers.l2norm import L2norm

__all__ = ["convert"]


def convert(graph: Graph, layer: L2norm) -> str:
    """Add the division by the length over the channels; 0 where that is 0."""
    x = graph.same(layer)
    length = graph.add("ReduceL2", x, axes=[1], keepdims=1)
    tiny = graph.constant("tiny", float(np.finfo(np.float32).tiny))
    return graph.add("Div", x, graph.add("Max", length, tiny))
