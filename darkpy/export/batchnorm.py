"""[batchnorm] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.batchnorm_or_bias import batch_normalization
from darkpy.layers.batchnorm import Batchnorm

__all__ = ["convert"]


def convert(graph: Graph, layer: Batchnorm) -> str:
    """Add BatchNormalization."""
    return batch_normalization(graph, layer, graph.same(layer))
