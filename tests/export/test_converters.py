"""Every section has a converter in the module of its name, or is refused."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import SimpleNamespace

import pytest

import darkpy.export
from darkpy.errors import StateError
from darkpy.export.converters import find_converter
from darkpy.layers.registry import layer_classes

SECTIONS = {layer.sections[0]: layer for layer in layer_classes().values()}
#: What ONNX has not, and what an answer never depends on.
REFUSED = {"cost", "local"}
OTHER_FILES = {"converters", "graph", "model", "shared"}


def bare_layer(kind: str) -> SimpleNamespace:
    """As much of a layer as `find_converter` reads."""
    return SimpleNamespace(kind=kind, error=lambda message: StateError(f"[{kind}] {message}"))


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_a_section_has_a_converter_or_is_refused(section: str) -> None:
    layer = bare_layer(section)
    if section in REFUSED:
        with pytest.raises(StateError, match="no counterpart in ONNX"):
            find_converter(layer)
        return
    convert = find_converter(layer)
    module = importlib.import_module(convert.__module__)
    assert convert.__module__ == f"darkpy.export.{section}"
    described = inspect.signature(convert).parameters["layer"].annotation
    assert getattr(module, described) is SECTIONS[section]


def test_every_file_converts_a_section() -> None:
    files = {module.name for module in pkgutil.iter_modules(darkpy.export.__path__)}
    assert files - OTHER_FILES == set(SECTIONS) - REFUSED
