"""[maxpool], [avgpool], [local_avgpool] and [normalization] in ONNX."""

from __future__ import annotations

import numpy as np

from darkpy.export.converters import converts
from darkpy.export.graph import Graph
from darkpy.layers.avgpool import Avgpool
from darkpy.layers.local_avgpool import LocalAvgpool
from darkpy.layers.maxpool import Maxpool
from darkpy.layers.normalization import Normalization

__all__ = ["window_pads"]


def window_pads(layer: Maxpool | LocalAvgpool) -> tuple[list[int], list[int]]:
    """Padding before and behind (height, width) that gives Darknet's windows.

    Window i starts at ``i * stride - padding // 2``; the last may hang over the edge, by less than
    Darknet's own padding when the stride leaves pixels over.
    """
    g, shape, output = layer.geometry, layer.input_shapes[0], layer.output_shape
    before = [g["pad_h"], g["pad_w"]]
    sizes = ((shape.height, output.height, "h"), (shape.width, output.width, "w"))
    behind = [
        max(0, (n_out - 1) * g[f"stride_{axis}"] + g[f"size_{axis}"] - n_in - g[f"pad_{axis}"])
        for n_in, n_out, axis in sizes
    ]
    return before, behind


@converts("maxpool")
def maxpool(graph: Graph, layer: Maxpool) -> str:
    """MaxPool, whose padding never wins; more padding than ONNX allows becomes a Pad."""
    x = graph.image(layer)
    g = layer.geometry
    before, behind = window_pads(layer)
    if max(before + behind) >= min(g["size_h"], g["size_w"]):
        lowest = float(np.finfo(np.float32).min)
        x = graph.pad(x, [0, 0, *before], [0, 0, *behind], lowest)
        before = behind = [0, 0]
    return graph.add(
        "MaxPool",
        x,
        kernel_shape=[g["size_h"], g["size_w"]],
        strides=[g["stride_h"], g["stride_w"]],
        pads=before + behind,
    )


@converts("local_avgpool")
def local_avgpool(graph: Graph, layer: LocalAvgpool) -> str:
    """AveragePool over the pixels inside the image."""
    g = layer.geometry
    before, behind = window_pads(layer)
    if max(before + behind) >= min(g["size_h"], g["size_w"]):
        raise layer.error("has windows that may miss the image, which ONNX cannot express")
    return graph.add(
        "AveragePool",
        graph.image(layer),
        kernel_shape=[g["size_h"], g["size_w"]],
        strides=[g["stride_h"], g["stride_w"]],
        pads=before + behind,
        count_include_pad=0,
    )


@converts("avgpool")
def avgpool(graph: Graph, layer: Avgpool) -> str:
    """GlobalAveragePool."""
    return graph.add("GlobalAveragePool", graph.image(layer))


@converts("normalization")
def normalization(graph: Graph, layer: Normalization) -> str:
    """LRN, which divides alpha by the size: Darknet's is multiplied by it here."""
    o = layer.values
    return graph.add(
        "LRN",
        graph.image(layer),
        alpha=float(o.alpha * o.size),
        beta=float(o.beta),
        bias=float(o.kappa),
        size=int(o.size),
    )
