"""Darkpy's kernels with Darknet's exact argument lists, in place, for those who port C.

Arrays are C-contiguous float32 of any shape, read as flat memory, and must hold at least the
number of values that the sizes require.  Where Darknet works in place, these functions do, too.
The package imports every module in this folder and offers the names in its ``__all__``.
"""

from __future__ import annotations

import importlib
import pkgutil

__all__: list[str] = []

for _module in sorted(_info.name for _info in pkgutil.iter_modules(__path__)):
    _loaded = importlib.import_module(f"{__name__}.{_module}")
    for _name in getattr(_loaded, "__all__", ()):
        globals()[_name] = getattr(_loaded, _name)
        __all__ += [_name]
