"""``darkpy valid CFG WEIGHTS DATA``."""

from __future__ import annotations

import argparse

from darkpy.cli.arguments import (
    Commands,
    add_cfg,
    add_letterbox,
    add_precision,
    add_threads,
    positive,
    use_threads,
)

__all__ = ["measure_and_report", "register"]


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "valid",
        help="count how many labelled photos a network names correctly",
        description="Let a network name the held-back photos of DATA (all of them, if it holds"
        " none back) and say how many are right.",
    )
    add_cfg(parser)
    parser.add_argument("weights", metavar="WEIGHTS")
    parser.add_argument("data", metavar="DATA", help="in any form that `darkpy train` takes")
    parser.add_argument("--batch", type=positive, default=64, metavar="N", help="photos at once")
    parser.add_argument(
        "--top", type=positive, metavar="K", help="also count the K best names (default: 5)"
    )
    parser.add_argument(
        "--mirrored",
        action="store_true",
        help="classify by the mean of the outputs for a photo and for its mirror image",
    )
    add_letterbox(parser)
    add_precision(parser)
    add_threads(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    measure_and_report(arguments.cfg, arguments.data, arguments)


def measure_and_report(cfg: str, data: str, arguments: argparse.Namespace) -> None:
    """Measure and print a sentence; shared with Darknet's word order."""
    import time

    from darkpy.cli.predict import load_classifier
    from darkpy.data import open_dataset
    from darkpy.training.evaluate import evaluate
    from darkpy.training.history import percent

    threads = use_threads(arguments)
    opened = open_dataset(data)
    photos = opened.valid or opened.train
    net = load_classifier(cfg, arguments.weights, arguments.precision)
    begin = time.monotonic()
    result = evaluate(
        net,
        photos,
        batch=arguments.batch,
        threads=threads,
        k=arguments.top or opened.top,
        letterboxed=arguments.letterbox,
        mirrored=arguments.mirrored,
    )
    speed = result.count / max(time.monotonic() - begin, 1e-9)
    kind = "held-back photos" if opened.valid else "photos"
    best = f"; top-{result.k}: {percent(result.top_k)}" if result.top_k is not None else ""
    print(
        f"{net.name} names {percent(result.top1)} of the {result.count:,} {kind} correctly{best};"
        f" {speed:,.0f} images/s"
    )
