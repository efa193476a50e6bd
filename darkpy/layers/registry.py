"""Section name -> layer class.

Every module of this folder registers its own; there is no list to edit. A section is looked for in
the module of its name first, so that most networks import no layers but their own.
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

#: Sections of Darknet's forks that darkpy does not run yet.
_FOREIGN = frozenset(
    "deconv deconvolutional detection iseg rnn lstm gru crnn conv_lstm history implicit "
    "contrastive Gaussian_yolo sam scale_channels empty silence".split()
)


def register(*sections: str) -> Callable[[LayerClass], LayerClass]:
    """Class decorator: the class handles these section names, the full one first."""

    def add(layer: LayerClass) -> LayerClass:
        layer.sections = sections
        for name in sections:
            _CLASSES[name] = layer
        return layer

    return add


@cache
def _load_all() -> None:
    import pkgutil  # not worth its time where every section has its module

    for module in pkgutil.iter_modules(darkpy.layers.__path__):
        importlib.import_module(f"darkpy.layers.{module.name}")


def _load(name: str) -> None:
    """Import the module that registers section `name`, if there is one."""
    if name in _CLASSES:
        return
    module = f"darkpy.layers.{name}"
    if name.isidentifier():
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    if name not in _CLASSES:
        _load_all()


def layer_classes() -> dict[str, type[Layer]]:
    """All section names with their classes."""
    _load_all()
    return dict(_CLASSES)


def layer_class(section: Section) -> type[Layer]:
    """Return the class for a section.

    Raises
    ------
    UnknownSectionError
        Naming file, line and the most similar section.
    """
    _load(section.name)
    if section.name in _CLASSES:
        return _CLASSES[section.name]
    if section.name in _FOREIGN:
        message = f"section [{section.name}] of Darknet is not supported by this version of darkpy"
    else:
        message = f"there is no section [{section.name}]{did_you_mean(section.name, _CLASSES)}"
    raise UnknownSectionError(section.path, section.line, message)


def options_of(name: str) -> Sequence[Option]:
    """All options that section `name` may have; empty for unknown sections."""
    _load(name)
    return (*_CLASSES[name].options, *COMMON_OPTIONS) if name in _CLASSES else ()


def alexeyab_sections(names: Iterable[str]) -> set[str]:
    """Those of the sections `names` that only AlexeyAB's fork has."""
    found = set()
    for name in names:
        _load(name)
        if name in _CLASSES and _CLASSES[name].is_alexeyab:
            found.add(name)
    return found
