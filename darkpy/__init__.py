"""Darknet networks on CPUs: read, run and train them, and call their kernels from NumPy.

::

    cfg text --config--> sections --layers--> layers --network--> plan: recorded calls
               (file:line kept)       (shapes, parameters)
    photos --data--> batches --training--> plan --engine (cffi)--> csrc (C) --> outputs

Names are imported when they are first used: ``import darkpy`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darkpy import errors, kernels
    from darkpy.engine.simd import get_num_threads, set_num_threads, simd
    from darkpy.network.loading import load
    from darkpy.network.network import Network
    from darkpy.training.trainer import train

__version__ = "0.1.0"

__all__ = [
    "Network",
    "errors",
    "get_num_threads",
    "kernels",
    "load",
    "set_num_threads",
    "simd",
    "train",
]

_HOMES = {
    "Network": "darkpy.network.network",
    "get_num_threads": "darkpy.engine.simd",
    "load": "darkpy.network.loading",
    "set_num_threads": "darkpy.engine.simd",
    "simd": "darkpy.engine.simd",
    "train": "darkpy.training.trainer",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in ("errors", "kernels"):
        value = importlib.import_module(f"darkpy.{name}")
    else:
        raise AttributeError(f"module 'darkpy' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
