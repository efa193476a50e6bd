"""The windows of Darknet's pooling in ONNX."""

from __future__ import annotations

from darkpy.layers.local_avgpool import LocalAvgpool
from darkpy.layers.maxpool import Maxpool

__all__ = ["window_pads"]


def window_pads(layer: Maxpool | LocalAvgpool) -> tuple[list[int], list[int]]:
    """Padding before and behind (height, width) for which ONNX has Darknet's windows.

    Window i starts at ``i * stride - padding // 2``; the last one may extend over the edge, by less
    than Darknet's own padding if the stride does not divide the rest.
    """
    g, shape, output = layer.geometry, layer.input_shapes[0], layer.output_shape
    before = [g["pad_h"], g["pad_w"]]
    sizes = ((shape.height, output.height, "h"), (shape.width, output.width, "w"))
    behind = [
        max(0, (n_out - 1) * g[f"stride_{axis}"] + g[f"size_{axis}"] - n_in - g[f"pad_{axis}"])
        for n_in, n_out, axis in sizes
    ]
    return before, behind
