"""Import of the C core, whose threads spin only briefly before they sleep.

Between two calls a thread of the pool spins before it sleeps. GCC's OpenMP spins for milliseconds
by default. On a busy machine, a thread that spins while it waits for a suspended one uses the core
that the other needs, and a network runs up to six times slower. A short spin (some 20 microseconds,
longer than the gap between two calls of a plan) costs nothing measurable on an idle machine. The
runtime reads its settings once, when it is loaded; settings that the user made are kept.
"""

from __future__ import annotations

import os

__all__ = ["ffi", "lib"]

# Spins of GCC's libgomp; milliseconds of Clang's libomp.
_SETTINGS = {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "0"}
_added = {
    name: value
    for name, value in _SETTINGS.items()
    if name not in os.environ and "OMP_WAIT_POLICY" not in os.environ
}
os.environ.update(_added)
try:
    from darkpy._kernels import ffi, lib
finally:
    for _name in _added:
        del os.environ[_name]
