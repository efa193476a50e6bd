"""[logistic] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.logistic import Logistic

__all__ = ["convert"]


def convert(graph: Graph, layer: Logistic) -> str:
    """Add Sigmoid."""
    return graph.add("Sigmoid", graph.same(layer))
