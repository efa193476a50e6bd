"""The command line of the benchmarks that let darkpy and its peers take turns on networks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence

from contenders import Kind

__all__ = ["chosen_contenders", "turns_parser"]


def turns_parser(
    description: str | None,
    contenders: Mapping[str, Kind],
    *,
    batches: Sequence[int],
    rounds: int,
    seconds: float,
) -> argparse.ArgumentParser:
    """A parser of the arguments that all such benchmarks have, with the defaults given."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nets", nargs="*", default=["googlenet", "googlenet-bn"], metavar="NET")
    parser.add_argument("--batch", type=int, nargs="+", default=list(batches))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=rounds, help="turns of each contender")
    parser.add_argument("--seconds", type=float, default=seconds, help="length of a turn")
    parser.add_argument("--peers", nargs="+", default=list(contenders), metavar="NAME")
    parser.add_argument("--without", nargs="+", default=[], metavar="NAME", help="leave these out")
    parser.add_argument("--darknet", default=os.environ.get("DARKNET_LIB", ""), metavar="PATH")
    parser.add_argument("--save", action="store_true", help="write benchmarks/RESULTS.md")
    return parser


def chosen_contenders(
    options: argparse.Namespace, contenders: Mapping[str, Kind]
) -> dict[str, Kind]:
    """The contenders that take part: those that were chosen and are installed, darkpy first."""
    names = ["darkpy", *(n for n in options.peers if n != "darkpy" and n not in options.without)]
    for name in names:
        if name not in contenders:
            raise SystemExit(f"no contender {name!r}; there are: {', '.join(contenders)}")
    kinds = {name: contenders[name] for name in names}
    if not options.darknet:
        kinds.pop("Darknet", None)
    return {name: kind for name, kind in kinds.items() if kind.is_installed}
