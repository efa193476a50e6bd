"""[convolutional] in ONNX."""

from __future__ import annotations

from darkpy.export.graph import Graph
from darkpy.export.shared.activation_functions import activate
from darkpy.export.shared.batchnorm_or_bias import normalize, weights_and_biases
from darkpy.layers.convolutional import Convolutional

__all__ = ["convert"]


def convert(graph: Graph, layer: Convolutional) -> str:
    """Add Conv, BatchNormalization unless it is folded, and the activation."""
    g = layer.geometry
    weights, bias = weights_and_biases(graph, layer)
    y = graph.add(
        "Conv",
        graph.image(layer),
        weights,
        bias,
        kernel_shape=[g["size_h"], g["size_w"]],
        strides=[g["stride_h"], g["stride_w"]],
        pads=[g["pad_h"], g["pad_w"]] * 2,
        dilations=[g["dilation_h"], g["dilation_w"]],
        group=g["groups"],
    )
    return activate(graph, normalize(graph, layer, y), layer.values.activation)
