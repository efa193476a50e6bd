"""``darkpy export CFG [WEIGHTS] OUT.onnx``."""

from __future__ import annotations

import argparse

from darkpy.cli.arguments import Commands, add_cfg, positive

__all__ = ["register"]


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write a network as ONNX",
        description="Write a network as an .onnx file for other runtimes. Its output is named "
        "output, or those of a detector with several heads layerN, N the head's layer. "
        "Needs the package onnx.",
    )
    add_cfg(parser)
    parser.add_argument("weights", metavar="WEIGHTS", nargs="?")
    parser.add_argument("out", metavar="OUT.onnx")
    parser.add_argument(
        "--batch", type=positive, metavar="N", help="fix the batch size (default: any)"
    )
    parser.add_argument(
        "--no-fold",
        action="store_true",
        help="write batch normalisation as separate nodes (default: folded into the weights)",
    )
    parser.add_argument(
        "--layers",
        type=int,
        nargs="+",
        default=(),
        metavar="I",
        help="write these layers' outputs, too, named layerI",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from darkpy.export.model import export_onnx
    from darkpy.network.loading import load

    network = load(arguments.cfg, arguments.weights)
    export_onnx(
        network,
        arguments.out,
        batch=arguments.batch,
        fold=not arguments.no_fold,
        layers=arguments.layers,
    )
    outputs = sum(layer.output_shape.size for layer in network.answers)
    print(f"wrote {arguments.out}: {outputs} outputs an image")
