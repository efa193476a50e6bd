"""The registry: the layer class of each section name.

The class of a section is in the module of the same name and registers itself when that is imported.
So a network imports only the layers of its own sections, and there is no list of layers to edit.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TypeVar

import darkpy.layers
from darkpy.config.options import Option, did_you_mean
from darkpy.config.sections import Section
from darkpy.errors import UnknownSectionError
from darkpy.layers.base import COMMON_OPTIONS, Layer

__all__ = ["alexeyab_sections", "layer_class", "layer_classes", "options_of", "register"]

LayerClass = TypeVar("LayerClass", bound=type[Layer])

_CLASSES: dict[str, type[Layer]] = {}

#: Darknet's short names of sections; a module is named after the full name.
_ALIASES = {
    "conv": "convolutional",
    "conn": "connected",
    "max": "maxpool",
    "avg": "avgpool",
    "local_avg": "local_avgpool",
    "soft": "softmax",
    "lrn": "normalization",
}

#: Sections of Darknet's forks that darkpy does not run yet.
_FOREIGN = frozenset(
    "deconv deconvolutional detection iseg rnn lstm gru crnn conv_lstm history implicit "
    "contrastive Gaussian_yolo sam scale_channels empty silence".split()
)


def register(section: str) -> Callable[[LayerClass], LayerClass]:
    """Decorate the class that handles `section`, in the module of the same name."""

    def add(layer: LayerClass) -> LayerClass:
        others = (alias for alias, full in _ALIASES.items() if full == section)
        layer.sections = (section, *others)
        for name in layer.sections:
            _CLASSES[name] = layer
        return layer

    return add


def _find(name: str) -> type[Layer] | None:
    """Return the class of section `name`, importing only its module; None if there is none."""
    full = _ALIASES.get(name, name)
    if full not in _CLASSES and full.isidentifier():
        module = f"darkpy.layers.{full.lower()}"
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    return _CLASSES.get(full)


@cache
def layer_classes() -> dict[str, type[Layer]]:
    """Return all section names with their classes; imports all modules."""
    import pkgutil  # here: its import takes time, and a single section is found without it

    for module in pkgutil.iter_modules(darkpy.layers.__path__):
        importlib.import_module(f"darkpy.layers.{module.name}")
    return dict(_CLASSES)


def layer_class(section: Section) -> type[Layer]:
    """Return the class for a section.

    Raises
    ------
    UnknownSectionError
        No such section; the message names file, line and the most similar section.
    """
    found = _find(section.name)
    if found is not None:
        return found
    if section.name in _FOREIGN:
        message = f"section [{section.name}] of Darknet is not supported by this version of darkpy"
    else:
        similar = did_you_mean(section.name, layer_classes())
        message = f"there is no section [{section.name}]{similar}"
    raise UnknownSectionError(section.path, section.line, message)


def options_of(name: str) -> Sequence[Option]:
    """Return all options of section `name`; none for an unknown section."""
    found = _find(name)
    return () if found is None else (*found.options, *COMMON_OPTIONS)


def alexeyab_sections(names: Iterable[str]) -> set[str]:
    """Return those of `names` that only AlexeyAB's fork knows."""
    found = ((name, _find(name)) for name in names)
    return {name for name, layer in found if layer is not None and layer.is_alexeyab}
