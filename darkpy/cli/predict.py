"""``darkpy predict CFG WEIGHTS IMAGE...``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from darkpy.cli.arguments import (
    Commands,
    add_cfg,
    add_letterbox,
    add_precision,
    add_threads,
    positive,
    use_threads,
)

if TYPE_CHECKING:
    from darkpy.network.network import Network

__all__ = ["load_classifier", "name_photos", "register"]


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "predict",
        help="classify photos",
        description="Print a line for each photo: its most probable classes.",
    )
    add_cfg(parser)
    parser.add_argument("weights", metavar="WEIGHTS")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="picture files")
    parser.add_argument(
        "--names", metavar="FILE", help="class names, one a line (default: the .names file that"
        " lies beside the weights)",
    )  # fmt: skip
    parser.add_argument(
        "--top", type=positive, default=5, metavar="K", help="classes a photo (default: 5)"
    )
    add_letterbox(parser)
    add_precision(parser)
    add_threads(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    use_threads(arguments)
    net = load_classifier(arguments.cfg, arguments.weights, arguments.precision)
    names = class_names(arguments.names, arguments.weights, net.outputs)
    for path, best in name_photos(
        net, names, arguments.images, arguments.top, letterboxed=arguments.letterbox
    ):
        print(f"{path}: " + ", ".join(f"{100 * share:.2f}% {name}" for name, share in best))


def load_classifier(cfg: str, weights: str, precision: str = "fp32") -> Network:
    """Load a network that classifies, for all commands that name photos.

    Raises
    ------
    ArgumentError
        The network has several answers, as a detector with several heads does.
    """
    from darkpy.errors import ArgumentError
    from darkpy.network.loading import load

    net = load(cfg, weights, precision=precision)
    if len(net.answers) > 1:
        labels = ", ".join(layer.label for layer in net.answers)
        raise ArgumentError(
            f"{cfg}: the network has {len(net.answers)} answers ({labels}), "
            "but classification needs exactly one"
        )
    return net


def class_names(given: str | None, weights: str, outputs: int) -> list[str]:
    """Return a name for each output: from the given file, else beside the weights, else numbers.

    Raises
    ------
    ArgumentError
        The given file does not have as many names as the network has outputs.
    """
    from darkpy.config.data_file import read_names
    from darkpy.data.names import find_names
    from darkpy.errors import ArgumentError

    if given is not None:
        names = list(read_names(given))
        if len(names) != outputs:
            raise ArgumentError(
                f"{given}: {len(names)} names, but the network has {outputs} outputs"
            )
        return names
    file = Path(weights)
    own = file.with_name(file.stem.rsplit("_", 1)[0] + ".names")  # written by `darkpy train`
    beside = list(read_names(own)) if own.is_file() else find_names(file.parent)
    if beside is not None and len(beside) == outputs:
        return beside
    return [f"class {number}" for number in range(outputs)]


def name_photos(
    net: Network, names: Sequence[str], paths: Sequence[str], k: int, *, letterboxed: bool = False
) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Yield each path with its k most probable classes and their shares, best first."""
    from darkpy.data.prepare import load_photos
    from darkpy.training.evaluate import top_classes

    for path in paths:
        x = load_photos([path], net.channels, net.height, net.width, letterboxed=letterboxed)
        outputs = net.predict(x)[0]
        yield path, [(names[i], float(outputs[i])) for i in top_classes(outputs, k)]
