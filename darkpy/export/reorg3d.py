"""[reorg3d] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.permutation import split_blocks
from darkpy.layers.reorg3d import Reorg3d
from darkpy.layers.shape import Shape

__all__ = ["convert"]


def convert(graph: Graph, layer: Reorg3d) -> str:
    """Add space-to-depth: Reshape, Transpose, Reshape."""
    s, output = layer.values.stride, layer.output_shape
    small = Shape(layer.input_shapes[0].channels, output.height, output.width)
    return split_blocks(graph, graph.image(layer), small, s, output)
