"""Layers that move or join values in ONNX: [route], [shortcut], [upsample], [reorg], ..."""

from __future__ import annotations

from darkpy.export.activations import activate
from darkpy.export.converters import converts
from darkpy.export.graph import Graph
from darkpy.layers.crop import Crop
from darkpy.layers.dropout import Dropout
from darkpy.layers.reorg import Reorg
from darkpy.layers.reorg3d import Reorg3d
from darkpy.layers.route import Route
from darkpy.layers.shape import Shape
from darkpy.layers.shortcut import Shortcut
from darkpy.layers.upsample import Upsample

__all__: list[str] = []


@converts("dropout")
def dropout(graph: Graph, layer: Dropout) -> str:
    """Nothing: inference drops nothing."""
    return graph.same(layer)


@converts("route")
def route(graph: Graph, layer: Route) -> str:
    """Slices of the sources, joined by Concat."""
    parts = []
    for k, (first, count) in enumerate(layer.parts):
        x = graph.image(layer, k) if layer.output_shape.is_image else graph.vector(layer, k)
        if count < layer.input_shapes[k].channels:
            x = graph.cut(x, [first], [first + count], [1])
        parts.append(x)
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


@converts("shortcut")
def shortcut(graph: Graph, layer: Shortcut) -> str:
    """Add, where the sizes differ to the part that both have, then the activation."""
    o = layer.values
    previous, source = layer.input_shapes
    if previous == source:
        x, other = graph.same(layer), graph.same(layer, 1)
        y = graph.add("Add", graph.affine(x, o.alpha), graph.affine(other, o.beta))
        return activate(graph, y, o.activation)
    if o.alpha != 1 or previous.width > source.width:
        raise layer.error("of maps with these sizes has no counterpart in ONNX")
    x, other = graph.image(layer), _subsampled(graph, graph.image(layer, 1), previous, source)
    channels = min(previous.channels, source.channels)
    if channels < source.channels:
        other = graph.cut(other, [0], [channels], [1])
    other = graph.affine(other, o.beta)
    if channels == previous.channels:
        y = graph.add("Add", x, other)
    else:  # two slices instead of zeros: fewer additions, and every runtime knows them
        rest = graph.cut(x, [channels], [previous.channels], [1])
        first = graph.add("Add", graph.cut(x, [0], [channels], [1]), other)
        y = graph.add("Concat", first, rest, axis=1)
    return activate(graph, y, o.activation)


def _subsampled(graph: Graph, x: str, shape: Shape, source: Shape) -> str:
    """Every (w1 / w2)-th pixel of `x`: one-pixel windows, which more runtimes know."""
    stride = source.width // shape.width
    if stride > 1:
        x = graph.add("MaxPool", x, kernel_shape=[1, 1], strides=[stride, stride])
    height, width = (-(-n // stride) for n in (source.height, source.width))
    if (height, width) != (shape.height, shape.width):
        x = graph.cut(x, [0, 0], [shape.height, shape.width], [2, 3])
    return x


@converts("upsample")
def upsample(graph: Graph, layer: Upsample) -> str:
    """Resize to the nearest, or with a negative stride the sums of blocks."""
    stride, scale = layer.values.stride, layer.values.scale
    x = graph.image(layer)
    if stride < 0:
        blocks = [-stride, -stride]
        mean = graph.add("AveragePool", x, kernel_shape=blocks, strides=blocks)
        return graph.affine(mean, scale * stride**2)
    larger = graph.add(
        "Resize",
        x,
        "",
        graph.constant("scales", [1.0, 1.0, float(stride), float(stride)]),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return graph.affine(larger, scale)


@converts("crop")
def crop(graph: Graph, layer: Crop) -> str:
    """The centre, as 2x - 1 unless noadjust=1."""
    shape, output = layer.input_shapes[0], layer.output_shape
    top, left = (shape.height - output.height) // 2, (shape.width - output.width) // 2
    x = graph.cut(
        graph.image(layer), [top, left], [top + output.height, left + output.width], [2, 3]
    )
    return x if layer.values.noadjust else graph.affine(x, 2, -1)


@converts("reorg")
def reorg(graph: Graph, layer: Reorg) -> str:
    """Reshape, Transpose, Reshape in Darknet's odd order (spec 3.14)."""
    o, shape, output = layer.values, layer.input_shapes[0], layer.output_shape
    if o.flatten:
        sizes = (shape.channels, shape.height * shape.width)
        x = graph.reshape(graph.vector(layer), *(sizes[::-1] if o.reverse else sizes))
        moved = graph.add("Transpose", x, perm=[0, 2, 1])
        return _as(graph, moved, output)
    if o.extra:
        return graph.pad(graph.vector(layer), [0, 0], [0, o.extra], 0.0)
    s = o.stride
    channels = shape.channels // s**2
    if o.reverse:
        x = graph.reshape(graph.image(layer), s, s, channels, shape.height, shape.width)
        return _as(graph, graph.add("Transpose", x, perm=[0, 3, 4, 1, 5, 2]), output)
    return _blocks(graph, graph.image(layer), Shape(channels, shape.height, shape.width), s, output)


@converts("reorg3d")
def reorg3d(graph: Graph, layer: Reorg3d) -> str:
    """Space to depth: Reshape, Transpose, Reshape."""
    s, output = layer.values.stride, layer.output_shape
    small = Shape(layer.input_shapes[0].channels, output.height, output.width)
    return _blocks(graph, graph.image(layer), small, s, output)


def _blocks(graph: Graph, x: str, small: Shape, s: int, output: Shape) -> str:
    """Read `x` as (c, h s, w s), split it into s x s blocks, and put each block's places first."""
    x = graph.reshape(x, small.channels, small.height, s, small.width, s)
    return _as(graph, graph.add("Transpose", x, perm=[0, 3, 5, 1, 2, 4]), output)


def _as(graph: Graph, x: str, shape: Shape) -> str:
    sizes = (shape.channels, shape.height, shape.width) if shape.is_image else (shape.size,)
    return graph.reshape(x, *sizes)
