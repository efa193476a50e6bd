"""``darkpy train CFG DATA``."""

from __future__ import annotations

import argparse

from darkpy.cli.arguments import Commands, add_cfg, add_memory, add_threads, positive

__all__ = ["register", "train_and_report"]


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a network on labelled photos",
        description="Train a network; after each epoch say how many held-back photos it names"
        " correctly. Writes NAME_last, NAME_best and NAME_final.weights, NAME_last.momentum,"
        " NAME.names and NAME_history.csv.",
    )
    add_cfg(parser)
    parser.add_argument(
        "data",
        metavar="DATA",
        help="a folder of IDX files, a folder with a folder of pictures per class (or train/ and"
        " valid/ with those), or a Darknet .data file",
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="weights to begin with; with NAME_last.weights, a stopped training continues",
    )
    parser.add_argument(
        "--clear", action="store_true", help="count updates from 0 again, whatever --weights says"
    )
    parser.add_argument(
        "--whiten",
        action="store_true",
        help="set the first layer's filters so that they whiten patches of the photos",
    )
    parser.add_argument("--valid", metavar="DATA", help="photos to measure with, if not in DATA")
    parser.add_argument(
        "--epochs", type=positive, metavar="N", help="how often each photo is seen (default: until"
        " the cfg's max_batches)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--out", metavar="FOLDER", help="where to write (default: backup, or what DATA says)"
    )
    parser.add_argument("--name", help="name of the files to write (default: the cfg's)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_memory(parser)
    add_threads(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    train_and_report(arguments.cfg, arguments.data, arguments)


def train_and_report(cfg: str, data: str, arguments: argparse.Namespace) -> None:
    """Train and print the sentence about the result; shared with Darknet's word order."""
    from darkpy.data import open_dataset
    from darkpy.training.trainer import train

    opened = open_dataset(data)
    history = train(
        cfg,
        opened,
        weights=arguments.weights,
        valid=arguments.valid,
        epochs=arguments.epochs,
        seed=arguments.seed,
        out=arguments.out or opened.backup or "backup",
        threads=arguments.threads,
        progress=not arguments.quiet,
        name=arguments.name,
        clear=arguments.clear,
        memory=arguments.memory,
        whitened=arguments.whiten,
    )
    print(history)
