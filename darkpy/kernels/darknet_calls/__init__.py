"""Darkpy's kernels with Darknet's exact argument lists, in place, for those who port C.

Arrays are C-contiguous float32 of any shape, read as flat memory, and must hold at least as
many values as the sizes say.  What Darknet writes in place is written in place here.  Every
module of this folder is imported, and the names in its ``__all__`` stand here, too.
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
