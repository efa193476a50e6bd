"""[convolutional], [connected] and [batchnorm] in ONNX."""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import FloatArray
from darkpy.export.activations import activate
from darkpy.export.converters import converts
from darkpy.export.graph import Graph
from darkpy.layers.batchnorm import Batchnorm
from darkpy.layers.connected import Connected
from darkpy.layers.convolutional import Convolutional
from darkpy.layers.shared.batchnorm_or_bias import NormalizingLayer
from darkpy.layers.shared.filter_layer import FilterLayer

__all__: list[str] = []

#: Of the nodes: Darknet's least (1e-6) squared. Some readers take 0 for "not given".
EPSILON = 1e-12


@converts("convolutional")
def convolutional(graph: Graph, layer: Convolutional) -> str:
    """Conv, perhaps BatchNormalization, activation."""
    g = layer.geometry
    weights, bias = _weights(graph, layer)
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
    return activate(graph, _normalize(graph, layer, y), layer.values.activation)


@converts("connected")
def connected(graph: Graph, layer: Connected) -> str:
    """Gemm, perhaps BatchNormalization, activation."""
    weights, bias = _weights(graph, layer)
    y = graph.add("Gemm", graph.vector(layer), weights, bias, transB=1)
    return activate(graph, _normalize(graph, layer, y), layer.values.activation)


@converts("batchnorm")
def batchnorm(graph: Graph, layer: Batchnorm) -> str:
    """BatchNormalization."""
    return _batch_normalization(graph, layer, graph.same(layer))


def _weights(graph: Graph, layer: FilterLayer) -> tuple[str, str]:
    """Add the weights and what is added per channel; batch normalisation folded in if asked for."""
    weights = layer.parameters["weights"].value
    bias: FloatArray = np.zeros(layer.channels, np.float32)
    if graph.fold or not layer.normalizes:
        layer.refresh(training=False)
        bias = layer.shift
        if layer.factor is not None:
            weights = weights * layer.factor.reshape(-1, *[1] * (weights.ndim - 1))
    return graph.constant("weights", weights), graph.constant("biases", bias)


def _normalize(graph: Graph, layer: FilterLayer, y: str) -> str:
    if graph.fold or not layer.normalizes:
        return y
    return _batch_normalization(graph, layer, y)


def _batch_normalization(graph: Graph, layer: NormalizingLayer, x: str) -> str:
    """Add the node; its variance holds what Darknet's own epsilon does (spec 3.2)."""
    p = {name: parameter.value for name, parameter in layer.parameters.items()}
    variance = np.maximum(p["rolling_variance"].astype(np.float64), 0)
    epsilon = layer.dialect.bn_epsilon
    if layer.dialect.bn_epsilon_inside:
        variance = variance + epsilon
    else:
        variance = (np.sqrt(variance) + epsilon) ** 2
    return graph.add(
        "BatchNormalization",
        x,
        graph.constant("scales", p["scales"]),
        graph.constant("biases", p["biases"]),
        graph.constant("rolling_mean", p["rolling_mean"]),
        graph.constant("rolling_variance", variance - EPSILON),
        epsilon=EPSILON,
    )
