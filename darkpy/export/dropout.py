"""[dropout] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.dropout import Dropout

__all__ = ["convert"]


def convert(graph: Graph, layer: Dropout) -> str:
    """Add nothing: inference drops no value."""
    return graph.same(layer)
