"""Section kind -> function that adds the layer to a graph.

Every module of this folder registers its own; there is no list to edit.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import darkpy.export
from darkpy.export.graph import Graph
from darkpy.layers.base import Layer

__all__ = ["converts", "find_converter"]

#: Adds a layer to the graph and returns the name of its output.
Converter = Callable[[Graph, Any], str]
AnyConverter = TypeVar("AnyConverter", bound=Converter)

_CONVERTERS: dict[str, Converter] = {}


def converts(*kinds: str) -> Callable[[AnyConverter], AnyConverter]:
    """Decorator: the function converts layers of these kinds."""

    def add(converter: AnyConverter) -> AnyConverter:
        for kind in kinds:
            _CONVERTERS[kind] = converter
        return converter

    return add


@cache
def _load_all() -> None:
    for module in pkgutil.iter_modules(darkpy.export.__path__):
        importlib.import_module(f"darkpy.export.{module.name}")


def find_converter(layer: Layer) -> Converter:
    """Return the converter of a layer.

    Raises
    ------
    ConfigError
        ONNX has no operation that does what the layer does.
    """
    _load_all()
    if layer.kind not in _CONVERTERS:
        raise layer.error("has no counterpart in ONNX")
    return _CONVERTERS[layer.kind]
