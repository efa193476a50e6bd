"""``darkpy info``."""

from __future__ import annotations

import argparse
import platform
from importlib import metadata

from darkpy.cli.arguments import Commands

__all__ = ["register", "version"]

DISTRIBUTION = "darknet-cpu"  # "darkpy" on PyPI is somebody else's


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "info", help="print version, instruction sets, threads", description="For bug reports."
    )
    parser.set_defaults(run=run)


def version() -> str:
    """Return the version of the installed package."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "not installed, run from its source"


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    import numpy as np

    from darkpy.engine import simd

    threads = (
        f"{simd.get_num_threads()} (OpenMP)"
        if simd.has_openmp()
        else "1 (built without OpenMP: install a compiler with it and build again to use all cores)"
    )
    rows = {
        "darkpy": version(),
        "Python": f"{platform.python_version()}, NumPy {np.__version__}",
        "machine": f"{platform.system()} {platform.machine()}",
        "compiler": simd.compiler(),
        "SIMD": f"{simd.simd()} (available: {', '.join(simd.available())})",
        "threads": threads,
    }
    for key, value in rows.items():
        print(f"{key:9} {value}")
