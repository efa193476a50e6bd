"""``darkpy bench [CFG] [WEIGHTS]``."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from darkpy.cli.arguments import Commands, add_precision, add_threads, positive, use_threads

if TYPE_CHECKING:
    from darkpy.engine.boundary import FloatArray
    from darkpy.network.network import Network
    from darkpy.network.profile import CallTime

__all__ = ["layer_table", "register", "totals_table"]


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench",
        help="time a network on this machine",
        description="Time a network's predictions, or its training steps, on this machine.",
    )
    parser.add_argument("cfg", metavar="CFG", nargs="?", default="googlenet")
    parser.add_argument("weights", metavar="WEIGHTS", nargs="?")
    parser.add_argument(
        "--batch",
        type=positive,
        metavar="N",
        help="images at once (default: 1; in training those of the cfg)",
    )
    parser.add_argument("--repeat", type=positive, default=20, metavar="N", help="default: 20")
    parser.add_argument(
        "--layers",
        action="store_true",
        help="show every call into the C core, and the sums of each kind of call",
    )
    parser.add_argument("--training", action="store_true", help="time training steps")
    parser.add_argument(
        "--peak",
        type=float,
        metavar="GFLOPS",
        help="the machine's peak, to show the share of it that is reached",
    )
    add_precision(parser)
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="with --precision bf16: labelled photos, to compare the accuracy with that in fp32",
    )
    add_threads(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    import numpy as np

    from darkpy.engine.simd import simd
    from darkpy.errors import ArgumentError
    from darkpy.network.loading import load

    if arguments.data is not None and arguments.precision == "fp32":
        raise ArgumentError("--data compares with fp32: it needs --precision bf16")
    threads = use_threads(arguments)
    network = load(arguments.cfg, arguments.weights, precision=arguments.precision)
    if arguments.weights is None:
        settle(network)
    batch = arguments.batch or (network.mini_batch if arguments.training else 1)
    rng = np.random.default_rng(0)
    x = rng.random(network.input_shape.array_shape(batch), np.float32)
    truth = None
    if arguments.training:
        network.need_cost()
        truth = np.zeros((batch, network.truths), np.float32)
        truth[:, 0] = 1
    calls = network.profile(x, truth, repeat=arguments.repeat if arguments.layers else 1)
    if arguments.layers:
        print(f"{layer_table(calls, arguments.peak)}\n\n{totals_table(calls)}\n")
    times = run_times(network, x, truth, arguments.repeat)
    flops = sum(call.flops for call in calls)
    what = "training step without its update" if arguments.training else "prediction"
    best, median = min(times), statistics.median(times)
    print(
        f"{network.name}, a {what} of {batch} image{'s' * (batch > 1)}, {simd()}, {threads} "
        f"thread{'s' * (threads > 1)}: best {best * 1e3:.2f} ms, median {median * 1e3:.2f} ms; "
        f"{batch / best:.1f} images/s, {flops / best * 1e-9:.0f} GFLOP/s"
    )
    if network.precision != "fp32":
        beside_float32(network, x, arguments)


def beside_float32(network: Network, x: FloatArray, arguments: argparse.Namespace) -> None:
    """Print the speed and the differences of a lower precision, compared with float32."""
    from darkpy.network.loading import load
    from darkpy.training.comparison import Comparison

    reference = load(arguments.cfg, arguments.weights)
    if arguments.weights is None:
        settle(reference)
    times, reference_times = [], []
    for _ in range(arguments.repeat):
        times += run_times(network, x, None, 1)
        reference_times += run_times(reference, x, None, 1)
    comparison = Comparison(network, reference)
    comparison.add(answers_of(network, x), answers_of(reference, x))
    best = min(reference_times)
    print(
        f"{network.precision} takes turns with fp32 (best {best * 1e3:.2f} ms) and is "
        f"{best / min(times):.2f} x as fast; {comparison}"
    )
    if arguments.data is not None:
        name_photos_beside(network, reference, arguments.data)


def answers_of(network: Network, x: FloatArray) -> FloatArray:
    """All answers of a network side by side, (N, outputs)."""
    import numpy as np

    outputs = network.outputs_of(x).values()
    return np.concatenate([output.reshape(len(x), -1) for output in outputs], axis=1)


def name_photos_beside(network: Network, reference: Network, data: str) -> None:
    """Print how many labelled photos each of two precisions classifies correctly."""
    from darkpy.data import open_dataset
    from darkpy.training.comparison import Comparison
    from darkpy.training.evaluate import evaluate
    from darkpy.training.history import percent

    opened = open_dataset(data)
    photos = opened.valid or opened.train
    comparison = Comparison(network, reference)
    for name, net in ((network.precision, comparison), ("fp32", reference)):
        result = evaluate(net, photos, k=opened.top)
        best = f", top-{result.k} {percent(result.top_k)}" if result.top_k is not None else ""
        print(f"{name} names {percent(result.top1)} of {result.count:,} photos correctly{best}")
    print(f"{network.precision} beside fp32: {comparison}")


def settle(network: Network) -> None:
    """Set batch normalisation's statistics, which begin at 0, to values typical after training."""
    import numpy as np

    for layer in network.layers:
        if "rolling_variance" in layer.parameters:
            layer.rolling_variance = np.ones_like(layer.rolling_variance)


def run_times(
    network: Network, x: FloatArray, truth: FloatArray | None, repeat: int
) -> list[float]:
    """Return the seconds of each of `repeat` whole runs, including the call from Python."""
    times = []
    for _ in range(repeat):
        start = perf_counter()
        if truth is None:
            network.outputs_of(x)
        else:
            network.profile(x, truth, repeat=1)
        times.append(perf_counter() - start)
    return times


def layer_table(calls: list[CallTime], peak: float | None = None) -> str:
    """Return a line per call: layer, function, algorithm, milliseconds, share of all, GFLOP/s."""
    total = sum(call.seconds for call in calls)
    header = ("", "layer", "", "call", "algorithm", "ms", "%", "GFLOP/s")
    rows = [(*header, "% of peak") if peak else header]
    for call in calls:
        rate = call.flops / call.seconds * 1e-9 if call.flops else 0.0
        row = (
            str(call.layer.index) if call.layer else "",
            call.layer.kind if call.layer else "input",
            call.layer.describe() if call.layer else "to channels last",
            call.function.removeprefix("dk_"),
            call.algorithm,
            f"{call.seconds * 1e3:.3f}",
            f"{call.seconds / total * 100:.1f}",
            f"{rate:.0f}" if rate else "",
        )
        rows.append((*row, f"{rate / peak * 100:.0f}" if rate else "") if peak else row)
    return _aligned(rows, left=(1, 2, 3, 4))


def totals_table(calls: list[CallTime]) -> str:
    """Return one line per kind of call, the longest first: milliseconds, share of all, GFLOP/s."""
    kinds: dict[tuple[str, str], list[CallTime]] = {}
    for call in calls:
        kinds.setdefault((call.function.removeprefix("dk_"), call.algorithm), []).append(call)
    total = sum(call.seconds for call in calls)
    rows: list[tuple[str, ...]] = [("call", "algorithm", "calls", "ms", "%", "GFLOP/s")]
    sums = {kind: sum(call.seconds for call in group) for kind, group in kinds.items()}
    for kind, seconds in sorted(sums.items(), key=lambda item: -item[1]):
        rate = sum(call.flops for call in kinds[kind]) / seconds * 1e-9
        share = f"{seconds / total * 100:.1f}"
        rows.append(
            (
                *kind,
                f"{len(kinds[kind])}",
                f"{seconds * 1e3:.2f}",
                share,
                f"{rate:.0f}" * (rate > 0),
            )
        )
    return _aligned(rows, left=(0, 1))


def _aligned(rows: Sequence[tuple[str, ...]], left: tuple[int, ...]) -> str:
    """Return the rows with aligned columns: those of `left` to the left, the rest to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
