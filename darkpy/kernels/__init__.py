"""Darknet's kernels as NumPy functions.

Every function of the modules in `darkpy.kernels._public` stands here under Darknet's name;
`darkpy.kernels.darknet_calls` has Darknet's exact argument lists.  The modules are imported when a
name is first used; networks do not need them.
"""

import importlib as _importlib
import sys as _sys
import typing as _typing
from types import ModuleType as _ModuleType

from darkpy.engine import simd as _simd  # noqa: F401  (chooses the instruction set)

if _typing.TYPE_CHECKING:
    from darkpy.kernels import darknet_calls as darknet_calls
    from darkpy.kernels._public import *  # noqa: F403

#: The package's modules, and the former names of two of them.
_MODULES = ("darknet_calls", "flat", "simd")


class _Kernels(_ModuleType):
    """The package's own type: a function named like its module, such as `softmax`, hides it."""

    def __setattr__(self, name: str, value: _typing.Any) -> None:
        if isinstance(value, _ModuleType) and name in vars(value).get("__all__", ()):
            value = getattr(value, name)
        super().__setattr__(name, value)


_sys.modules[__name__].__class__ = _Kernels


def _import_names() -> list[str]:
    """Import the public functions and constants; set and return ``__all__``."""
    module = vars(_importlib.import_module("darkpy.kernels._public"))
    public = {name: value for name, value in module.items() if not name.startswith("_")}
    names = sorted([*public, "darknet_calls"])
    globals().update(public, __all__=names)
    return names


if not _typing.TYPE_CHECKING:  # a type checker knows the names, and which do not exist

    def __getattr__(name: str) -> _typing.Any:
        """Import a module, or all functions, at the first use."""
        if name in _MODULES:
            return _importlib.import_module(f"darkpy.kernels.{name}")
        if name == "__all__" or not name.startswith("__"):
            _import_names()
            if name in globals():
                return globals()[name]
        raise AttributeError(f"module 'darkpy.kernels' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return list(_import_names())
