"""Optimisers: the rules by which an update changes the weights, found by their names.

The module NAME has the optimiser NAME, and registers it when it is imported.
"""

from __future__ import annotations

import importlib

from darkpy.config.net_options import NetOptions
from darkpy.engine.enums import OPTIMISERS
from darkpy.network.optimisers.base import Optimiser, registered

__all__ = ["optimiser_class", "optimiser_classes", "optimiser_of"]


def optimiser_class(name: str) -> type[Optimiser]:
    """Return the optimiser of a name; its module alone is imported."""
    importlib.import_module(f"{__name__}.{name}")
    return registered(name)


def optimiser_classes() -> tuple[type[Optimiser], ...]:
    """All optimisers."""
    return tuple(optimiser_class(name) for name in OPTIMISERS)


def optimiser_of(options: NetOptions) -> Optimiser:
    """Return the optimiser that [net] asks for."""
    return optimiser_class(options.optimiser)(options)
