"""[activation] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.activation_functions import activate
from darkpy.layers.activation import Activation

__all__ = ["convert"]


def convert(graph: Graph, layer: Activation) -> str:
    """Add the activation function alone."""
    return activate(graph, graph.same(layer), layer.values.activation)
