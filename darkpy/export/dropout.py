"""[dropout] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.dropout import Dropout

__all__ = ["convert"]


def convert(graph: Graph, layer: Dropout) -> str:
    """Nothing: inference drops nothing."""
    return graph.same(layer)
