"""[avgpool] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.avgpool import Avgpool

__all__ = ["convert"]


def convert(graph: Graph, layer: Avgpool) -> str:
    """Add GlobalAveragePool."""
    return graph.add("GlobalAveragePool", graph.image(layer))
