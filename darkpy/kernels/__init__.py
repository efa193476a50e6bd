"""Darknet's kernels as NumPy functions.

Every function of the modules in `darkpy.kernels.names` stands here under Darknet's name; ``flat``
has Darknet's exact argument lists.  They are imported when the first of them is used: networks do
without.
"""

import importlib as _importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from darkpy.kernels import simd as _simd  # noqa: F401  (chooses the instruction set)

if TYPE_CHECKING:
    from darkpy.kernels import flat as flat
    from darkpy.kernels.names import *  # noqa: F403


def _import_names() -> None:
    names = vars(_importlib.import_module("darkpy.kernels.names"))
    globals().update({name: value for name, value in names.items() if not name.startswith("_")})


if not TYPE_CHECKING:  # a type checker knows the names, and which do not exist

    def __getattr__(name: str) -> _Any:
        """Import `flat`, or everything else, at the first use."""
        if name == "flat":
            return _importlib.import_module("darkpy.kernels.flat")
        if name == "__all__" or not name.startswith("__"):
            _import_names()
            if name in globals():
                return globals()[name]
        raise AttributeError(f"module 'darkpy.kernels' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List all names."""
    _import_names()
    return sorted({*globals(), "flat"})
