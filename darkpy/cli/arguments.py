"""Arguments that several commands share, checked while they are parsed."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = [
    "Commands",
    "add_cfg",
    "add_letterbox",
    "add_memory",
    "add_precision",
    "add_threads",
    "positive",
    "use_threads",
]

# The result of parser.add_subparsers(), whose class argparse keeps private.
Commands = Any


def positive(text: str) -> int:
    """Parse an integer of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def add_cfg(parser: argparse.ArgumentParser) -> None:
    """Add the network."""
    parser.add_argument(
        "cfg", metavar="CFG", help="a .cfg file, or the name of a packaged one such as googlenet-28"
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the number of threads."""
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="threads to use (default: all cores)"
    )


def add_memory(parser: argparse.ArgumentParser) -> None:
    """Add the choice of how much memory training uses."""
    parser.add_argument(
        "--memory",
        choices=("high", "normal", "low"),
        default="normal",
        help="how much training keeps instead of recomputing it (default: normal); the result is"
        " the same",
    )


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the number format."""
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        default="fp32",
        help="bf16: 8 significant bits in the layers that are faster that way (default: fp32)",
    )


def use_threads(arguments: argparse.Namespace) -> int:
    """Use the requested number of threads; return the number in use."""
    from darkpy.engine.simd import get_num_threads, set_num_threads

    if arguments.threads is not None:
        set_num_threads(arguments.threads)
    return get_num_threads()


def add_letterbox(parser: argparse.ArgumentParser) -> None:
    """Add the choice of how a photo is fitted."""
    parser.add_argument(
        "--letterbox",
        action="store_true",
        help="show the network the whole photo with grey bars (default: cut out its middle)",
    )
