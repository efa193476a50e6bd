"""[normalization] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.normalization import Normalization

__all__ = ["convert"]


def convert(graph: Graph, layer: Normalization) -> str:
    """Add LRN, with Darknet's alpha times the size, because ONNX divides alpha by the size."""
    o = layer.values
    return graph.add(
        "LRN",
        graph.image(layer),
        alpha=float(o.alpha * o.size),
        beta=float(o.beta),
        bias=float(o.kappa),
        size=int(o.size),
    )
