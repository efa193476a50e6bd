"""``darkpy summary CFG [WEIGHTS] [--batch N]`` and ``darkpy summary --list``."""

from __future__ import annotations

import argparse
from typing import Any

from darkpy.cli.arguments import Commands, add_cfg, add_memory, add_precision, positive

__all__ = ["register"]


class _List(argparse.Action):
    """Like ``--help``: print and exit, so that CFG may be absent."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the packaged networks and exit."""
        from darkpy.network.packaged import packaged_titles

        titles = packaged_titles()
        width = max(map(len, titles))
        for name, title in titles.items():
            print(f"{name:{width}}  {title}")
        parser.exit()


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "summary",
        help="print the table of a network's layers",
        description="Print the table of a network's layers; with WEIGHTS, check that they fit.",
    )
    add_cfg(parser)
    parser.add_argument("weights", metavar="WEIGHTS", nargs="?")
    parser.add_argument(
        "--batch",
        type=positive,
        metavar="N",
        help="also print the memory to train N photos at a time",
    )
    parser.add_argument(
        "--list",
        action=_List,
        nargs=0,
        help="print the packaged networks instead, one a line, and exit",
    )
    add_memory(parser)
    add_precision(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from darkpy.network.loading import load

    net = load(
        arguments.cfg,
        arguments.weights,
        memory=arguments.memory,
        precision=arguments.precision,
    )
    print(net.summary(arguments.batch))
