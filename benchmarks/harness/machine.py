"""The machine, the versions, and an environment that slows no contender down by accident."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["clean_environment", "machine_line", "peak_memory", "processor", "version_line"]

#: Variables that tune somebody's thread pool, allocator or instruction set: OPENBLAS_CORETYPE alone
#: can halve NumPy's SGEMM. DARKPY_SIMD stays: it says which darkpy is measured, and is shown.
TUNING = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "MALLOC_", "GLIBC_TUNABLES", "ONEDNN_")


def clean_environment(threads: int, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of a worker: this one without tuning variables, every pool set to `threads`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(TUNING)}
    for pool in ("OMP", "OPENBLAS", "MKL"):
        environment[f"{pool}_NUM_THREADS"] = str(threads)
    return environment | dict(extra or {})


def machine_line() -> str:
    """Processor, cores, memory, instruction set in use, Python and NumPy."""
    import numpy as np

    import darkpy

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    parts = [
        processor(),
        f"{len(os.sched_getaffinity(0))} cores",
        f"{pages / 2**30:.0f} GiB",
        f"darkpy {darkpy.__version__} ({darkpy.simd()})",
        f"Python {platform.python_version()}",
        f"NumPy {np.__version__}",
    ]
    return ", ".join(parts)


def version_line(packages: Iterable[str]) -> str:
    """``name version`` of the installed ones among `packages`."""
    from importlib import metadata  # takes a worker longer than half of its other imports

    found = []
    for package in sorted(set(packages)):
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def peak_memory() -> int:
    """Bytes of memory that this process held at most (VmHWM)."""
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def processor() -> str:
    """Model name, and on Linux its family, by which virtual machines tell generations apart."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    found = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    name = found.get("model name") or platform.processor() or platform.machine()
    return f"{name}, family {found['cpu family']}" if "cpu family" in found else name
