"""Weights, biases and batch normalisation in ONNX."""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import FloatArray
from darkpy.export.graph import Graph
from darkpy.layers.shared.batchnorm_or_bias import BatchnormOrBiasLayer
from darkpy.layers.shared.filter_layer import FilterLayer

__all__ = ["batch_normalization", "normalize", "weights_and_biases"]

#: Epsilon of the nodes: Darknet's smallest (1e-6), squared. Some readers read 0 as "not given".
EPSILON = 1e-12


def weights_and_biases(graph: Graph, layer: FilterLayer) -> tuple[str, str]:
    """Add weights and biases, with batch normalisation folded in if the graph folds."""
    weights = layer.parameters["weights"].value
    bias: FloatArray = np.zeros(layer.channels, np.float32)
    if graph.fold or not layer.normalizes:
        layer.refresh(training=False)
        bias = layer.shift
        if layer.factor is not None:
            weights = weights * layer.factor.reshape(-1, *[1] * (weights.ndim - 1))
    return graph.constant("weights", weights), graph.constant("biases", bias)


def normalize(graph: Graph, layer: FilterLayer, y: str) -> str:
    """Add the batch normalisation unless it is folded into the weights."""
    if graph.fold or not layer.normalizes:
        return y
    return batch_normalization(graph, layer, y)


def batch_normalization(graph: Graph, layer: BatchnormOrBiasLayer, x: str) -> str:
    """Add the node, with a variance that includes the effect of Darknet's epsilon."""
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
