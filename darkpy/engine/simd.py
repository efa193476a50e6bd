"""Instruction sets and threads of the C core.

All variants are compiled in; the best that this processor supports is chosen at import, or the one
named by the environment variable ``DARKPY_SIMD`` (``baseline``, ``avx2``, ``avx512``).
"""

from __future__ import annotations

import os

from darkpy.engine.boundary import lib, size, text
from darkpy.errors import ArgumentError

__all__ = [
    "available",
    "compiler",
    "get_num_threads",
    "has_bf16",
    "has_openmp",
    "lanes",
    "set_num_threads",
    "simd",
    "use",
]


def available() -> list[str]:
    """Names of the variants that this machine can run, best first."""
    return [text(lib.dk_simd_name(i)) for i in range(lib.dk_simd_count())]


def simd() -> str:
    """Name of the variant in use."""
    return text(lib.dk_simd_active())


def lanes() -> int:
    """Floats in a vector of the variant in use."""
    return lib.dk_simd_lanes()


def use(name: str) -> None:
    """Use variant `name` from now on; for tests and bug reports.

    Networks that were loaded before hold weights packed for the old variant: load them again.

    Raises
    ------
    ArgumentError
        Unknown or unsupported name; the text lists what exists.
    """
    if lib.dk_simd_select(name.encode()) != lib.DK_OK:
        raise ArgumentError(
            f"instruction set {name!r} is not available here: choose from {', '.join(available())}"
        )


def set_num_threads(count: int) -> None:
    """Use `count` threads (1 to 256) in every call from now on; results do not depend on it."""
    lib.dk_set_num_threads(size("count", count, 1, 256))


def get_num_threads() -> int:
    """Return the number of threads in use: OMP_NUM_THREADS or the machine's cores until set."""
    return lib.dk_get_num_threads()


def has_bf16() -> bool:
    """Whether the variant in use multiplies bf16: avx512, on processors with AVX512_BF16."""
    return bool(lib.dk_has_bf16())


def compiler() -> str:
    """Name and version of the compiler that built the C core."""
    return text(lib.dk_compiler())


def has_openmp() -> bool:
    """Whether the C core was built with OpenMP; without it everything runs on one thread."""
    return bool(lib.dk_has_openmp())


if _forced := os.environ.get("DARKPY_SIMD"):
    use(_forced)
