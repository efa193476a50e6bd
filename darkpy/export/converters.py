"""Converters: for each layer, the function `convert` of its section's module.

There is no list to edit, and only the converters that a network needs are imported.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from darkpy.export.graph import Graph
from darkpy.layers.base import Layer

__all__ = ["find_converter"]

#: Adds a layer to the graph and returns the name of its output.
Converter = Callable[[Graph, Any], str]


def find_converter(layer: Layer) -> Converter:
    """Return the converter of a layer.

    Raises
    ------
    ConfigError
        ONNX has no operation that does what the layer does.
    """
    module = f"darkpy.export.{layer.kind}"
    if importlib.util.find_spec(module) is None:
        raise layer.error("has no counterpart in ONNX")
    converter: Converter = importlib.import_module(module).convert
    return converter
