"""Where networks end, and layers of one function, in ONNX: [softmax], [yolo], [region], ..."""

from __future__ import annotations

import numpy as np

from darkpy.export.activations import activate
from darkpy.export.converters import converts
from darkpy.export.graph import Graph
from darkpy.layers.activation import Activation
from darkpy.layers.l2norm import L2norm
from darkpy.layers.logistic import Logistic
from darkpy.layers.region import Region
from darkpy.layers.softmax import Softmax
from darkpy.layers.yolo import Yolo

__all__: list[str] = []


@converts("softmax")
def softmax(graph: Graph, layer: Softmax) -> str:
    """Softmax over each group of the flat vector."""
    o = layer.values
    x = graph.affine(graph.vector(layer), 1 / o.temperature)
    if o.groups == 1:
        return graph.add("Softmax", x, axis=1)
    x = graph.reshape(x, o.groups, layer.output_shape.size // o.groups)
    return graph.add("Flatten", graph.add("Softmax", x, axis=2), axis=1)


@converts("logistic")
def logistic(graph: Graph, layer: Logistic) -> str:
    """Sigmoid."""
    return graph.add("Sigmoid", graph.same(layer))


@converts("activation")
def activation(graph: Graph, layer: Activation) -> str:
    """The activation alone."""
    return activate(graph, graph.same(layer), layer.values.activation)


@converts("l2norm")
def l2norm(graph: Graph, layer: L2norm) -> str:
    """Divide by the length over the channels; 0 where that is 0."""
    x = graph.same(layer)
    length = graph.add("ReduceL2", x, axes=[1], keepdims=1)
    tiny = graph.constant("tiny", float(np.finfo(np.float32).tiny))
    return graph.add("Div", x, graph.add("Max", length, tiny))


@converts("yolo")
def yolo(graph: Graph, layer: Yolo) -> str:
    """Sigmoid on x, y, objectness and classes of each anchor; w and h as they are."""
    o = layer.values
    x = _anchors(graph, layer)
    xy, wh, rest = (_entries(graph, x, *limits) for limits in ((0, 2), (2, 4), (4, layer.entry)))
    if not o.new_coords:
        xy, rest = graph.add("Sigmoid", xy), graph.add("Sigmoid", rest)
    xy = graph.affine(xy, o.scale_x_y, -0.5 * (o.scale_x_y - 1))
    return _planes(graph, layer, graph.add("Concat", xy, wh, rest, axis=2))


@converts("region")
def region(graph: Graph, layer: Region) -> str:
    """Sigmoid on x, y and objectness; Softmax (or Sigmoid) over the classes."""
    o = layer.values
    x = _anchors(graph, layer)
    xy = graph.add("Sigmoid", _entries(graph, x, 0, 2))
    others = _entries(graph, x, 2, o.coords)
    objectness = _entries(graph, x, o.coords, o.coords + 1)
    classes = _entries(graph, x, o.coords + 1, layer.entry)
    if not o.background:
        objectness = graph.add("Sigmoid", objectness)
    if not o.softmax:
        rest = [objectness, graph.add("Sigmoid", classes)]
    elif o.background:
        joined = graph.add("Concat", objectness, classes, axis=2)
        rest = [graph.add("Softmax", joined, axis=2)]
    else:
        rest = [objectness, graph.add("Softmax", classes, axis=2)]
    return _planes(graph, layer, graph.add("Concat", xy, others, *rest, axis=2))


def _anchors(graph: Graph, layer: Yolo | Region) -> str:
    """The input as (N, anchors, entries of an anchor, pixels)."""
    shape = layer.output_shape
    return graph.reshape(
        graph.image(layer),
        shape.channels // layer.entry,
        layer.entry,
        shape.height * shape.width,
    )


def _entries(graph: Graph, x: str, first: int, end: int) -> str:
    return graph.cut(x, [first], [end], [2])


def _planes(graph: Graph, layer: Yolo | Region, x: str) -> str:
    shape = layer.output_shape
    return graph.reshape(x, shape.channels, shape.height, shape.width)
