"""Export of a whole network to an .onnx file, for the runtimes that read ONNX."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from darkpy.errors import ArgumentError, StateError
from darkpy.export.converters import find_converter
from darkpy.export.graph import INPUT_NAME, Graph
from darkpy.files import not_written, replaced
from darkpy.layers.base import Layer
from darkpy.network.graph import needed

if TYPE_CHECKING:
    from darkpy.network.network import Network

__all__ = ["export_onnx"]

#: Old enough for most runtimes; the first in which BatchNormalization says that it does not train.
OPERATOR_SET = 15
#: Version of the file format: the oldest that the operator set allows.
IR_VERSION = 8
#: A protobuf message holds no more bytes than this.
MAX_BYTES = (1 << 31) - (1 << 20)


def export_onnx(
    network: Network,
    path: str | os.PathLike[str],
    *,
    batch: int | None = None,
    fold: bool = True,
    layers: Sequence[int] = (),
) -> None:
    """Write the layers that the network's answers depend on as an .onnx file.

    The file has the input ``input``: (N, C, H, W) float32, or (N, inputs). Its output is
    ``output``: (N, outputs), the result of `Network.predict`. A network with several answers, such
    as the heads of a detector, has ``layer82`` and so on instead, (N, n) for each. Dropout and
    costs are left out.

    Parameters
    ----------
    network : Network
        With its weights.
    path : str or path
        A file of that name is replaced as a whole or not at all.
    batch : int, optional
        Fix N; by default N is free.
    fold : bool
        Put batch normalisation into the weights, else write BatchNormalization nodes.
    layers : sequence of int
        Layers whose outputs the file has as well, named and shaped like those of several answers.

    Raises
    ------
    StateError
        The package onnx is not installed.
    ConfigError
        A layer has no counterpart in ONNX; the message names file, line and section.
    ArgumentError
        A layer that does not exist, a batch below 1, or a network too large for the format (2 GiB).
    """
    model = onnx_model(network, batch=batch, fold=fold, layers=layers)
    try:
        with replaced(path) as file:
            file.write(model.SerializeToString())
    except OSError as error:
        raise ArgumentError(f"{os.fspath(path)} {not_written(error)}") from error


def onnx_model(
    network: Network,
    *,
    batch: int | None = None,
    fold: bool = True,
    layers: Sequence[int] = (),
) -> Any:
    """Return what `export_onnx` writes, an ``onnx.ModelProto``."""
    try:
        from onnx import TensorProto, helper
    except ImportError as error:
        raise StateError(
            "writing ONNX needs the package onnx: pip install 'darknet-cpu[onnx]'"
        ) from error
    if batch is not None and batch < 1:
        raise ArgumentError(f"batch must be at least 1, got {batch}")
    for index in layers:
        if not 0 <= index < len(network.layers):
            raise ArgumentError(f"layers: there is no layer {index}, only {len(network.layers)}")
    graph = Graph(network.input_shape, fold=fold)
    named = _named_outputs(network, layers)
    for index in needed(network.layers, [layer.index for layer in named.values()]):
        layer = network.layers[index]
        graph.begin(layer)
        graph.end(layer, find_converter(layer)(graph, layer))
    if graph.constant_bytes > MAX_BYTES:
        raise ArgumentError(
            f"{network.path}: an .onnx file holds at most 2 GiB, "
            f"the weights are {graph.constant_bytes / 2**30:.1f} GiB"
        )
    count = "N" if batch is None else batch
    outputs = []
    for name, layer in named.items():
        graph.nodes.append(helper.make_node("Identity", [graph.vector_of(layer.index)], [name]))
        outputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [count, layer.output_shape.size])
        )
    sizes = [count, *network.input_shape.array_shape(1)[1:]]
    inputs = [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, sizes)]
    return helper.make_model(
        helper.make_graph(graph.nodes, network.name, inputs, outputs, graph.constants),
        producer_name="darkpy",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPERATOR_SET)],
    )


def _named_outputs(network: Network, layers: Sequence[int]) -> dict[str, Layer]:
    """The file's outputs: ``output``, or ``layerN`` for each of several answers; then `layers`."""
    answers = network.answers
    named = {"output": answers[0]} if len(answers) == 1 else {}
    indices = [] if named else [layer.index for layer in answers]
    return named | {f"layer{index}": network.layers[index] for index in [*indices, *layers]}
