"""The former name of `darkpy.engine.simd`."""

from __future__ import annotations

import warnings
from typing import Any

from darkpy.engine import simd as _moved


def __getattr__(name: str) -> Any:
    """Look the name up in the renamed module, with a warning."""
    value = getattr(_moved, name)
    text = f"{__name__} is called {_moved.__name__} now"
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return value
