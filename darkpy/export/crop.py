"""[crop] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.layers.crop import Crop

__all__ = ["convert"]


def convert(graph: Graph, layer: Crop) -> str:
    """Add a cut of the image's centre, as 2x - 1 unless noadjust=1."""
    shape, output = layer.input_shapes[0], layer.output_shape
    top, left = (shape.height - output.height) // 2, (shape.width - output.width) // 2
    x = graph.cut(
        graph.image(layer), [top, left], [top + output.height, left + output.width], [2, 3]
    )
    return x if layer.values.noadjust else graph.affine(x, 2, -1)
