"""[connected] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.activation_functions import activate
from darkpy.export.shared.batchnorm_or_bias import normalize, weights_and_biases
from darkpy.layers.connected import Connected

__all__ = ["convert"]


def convert(graph: Graph, layer: Connected) -> str:
    """Add Gemm, BatchNormalization unless it is folded, and the activation."""
    weights, bias = weights_and_biases(graph, layer)
    y = graph.add("Gemm", graph.vector(layer), weights, bias, transB=1)
    return activate(graph, normalize(graph, layer, y), layer.values.activation)
