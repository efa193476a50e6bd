"""Values in another order in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.shape import Shape

__all__ = ["as_shape", "split_blocks"]


def as_shape(graph: Graph, x: str, shape: Shape) -> str:
    """View each image of `x` in this shape."""
    sizes = (shape.channels, shape.height, shape.width) if shape.is_image else (shape.size,)
    return graph.reshape(x, *sizes)


def split_blocks(graph: Graph, x: str, small: Shape, s: int, output: Shape) -> str:
    """Read `x` as (c, h s, w s), split it into s x s blocks, and put each block's places first."""
    x = graph.reshape(x, small.channels, small.height, s, small.width, s)
    return as_shape(graph, graph.add("Transpose", x, perm=[0, 3, 5, 1, 2, 4]), output)
