"""Optimisers: the rules by which an update changes the weights, found by their names.

The module NAME has the optimiser NAME, and registers it when it is imported.
"""

from __future__ import annotations

import importlib

from darkpy.config.net_options import NetOptions
from darkpy.network.optimisers.base import Optimiser, registered

__all__ = ["optimiser_of"]


def optimiser_of(options: NetOptions) -> Optimiser:
    """Return the optimiser that [net] asks for."""
    importlib.import_module(f"{__name__}.{options.optimiser}")
    return registered(options.optimiser)(options)
