"""Darknet's own word order: ``darkpy classifier train|valid|predict DATAFILE CFG ...``."""

from __future__ import annotations

import argparse

from darkpy.cli.arguments import Commands, add_letterbox, add_threads, positive, use_threads

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command and its three sub-commands."""
    parser = commands.add_parser(
        "classifier",
        help="the commands of Darknet's classifier, in its word order",
        description="The same as darkpy train, valid and predict, as Darknet writes them.",
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(actions)
    _add_valid(actions)
    _add_predict(actions)


def _add_data_and_cfg(parser: argparse.ArgumentParser) -> None:
    """Add the two files that come first."""
    parser.add_argument("data", metavar="DATAFILE", help="a Darknet .data file")
    parser.add_argument("cfg", metavar="CFG")
    add_threads(parser)


def _add_train(actions: Commands) -> None:
    """Add ``classifier train``."""
    parser = actions.add_parser("train", help="train until the cfg's max_batches")
    _add_data_and_cfg(parser)
    parser.add_argument("weights", metavar="WEIGHTS", nargs="?")
    parser.add_argument("-clear", action="store_true", help="count updates from 0 again")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.set_defaults(
        run=_train,
        valid=None,
        epochs=None,
        out=None,
        name=None,
        quiet=False,
        memory="normal",
        whiten=False,
    )


def _train(arguments: argparse.Namespace) -> None:
    """Run ``classifier train``."""
    from darkpy.cli.train import train_and_report

    train_and_report(arguments.cfg, arguments.data, arguments)


def _add_valid(actions: Commands) -> None:
    """Add ``classifier valid``."""
    parser = actions.add_parser("valid", help="measure on the valid= list")
    _add_data_and_cfg(parser)
    parser.add_argument("weights", metavar="WEIGHTS")
    parser.set_defaults(
        run=_valid, batch=64, top=None, letterbox=False, mirrored=False, precision="fp32"
    )


def _valid(arguments: argparse.Namespace) -> None:
    """Run ``classifier valid``."""
    from darkpy.cli.valid import measure_and_report

    measure_and_report(arguments.cfg, arguments.data, arguments)


def _add_predict(actions: Commands) -> None:
    """Add ``classifier predict``."""
    parser = actions.add_parser("predict", help="classify a photo")
    _add_data_and_cfg(parser)
    parser.add_argument("weights", metavar="WEIGHTS")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument(
        "-t", "-topk", dest="top", type=positive, help="classes (default: top= of DATAFILE, or 1)"
    )
    add_letterbox(parser)
    parser.set_defaults(run=_predict)


def _predict(arguments: argparse.Namespace) -> None:
    """Run ``classifier predict``: one line per class, as Darknet prints it."""
    from darkpy.cli.predict import load_classifier, name_photos
    from darkpy.config.data_file import read_data
    from darkpy.errors import DataError

    use_threads(arguments)
    data = read_data(arguments.data)
    names = data.read_names()
    net = load_classifier(arguments.cfg, arguments.weights)
    if len(names) != net.outputs:
        raise DataError(
            arguments.data, 0, f"{len(names)} names, but the network has {net.outputs} outputs"
        )
    photos = name_photos(
        net, names, [arguments.image], arguments.top or data.top or 1,
        letterboxed=arguments.letterbox,
    )  # fmt: skip
    for _, best in photos:
        for name, share in best:
            print(f"{100 * share:5.2f}%: {name}")
