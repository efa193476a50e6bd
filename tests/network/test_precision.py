"""bf16 in whole networks: near float32, the same bits for any threads, and only when asked for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from imagenet_photos import photos
from needs import needs_bf16

import darkpy
from darkpy.cli.main import main
from darkpy.config.sections import parse_cfg
from darkpy.data import write_idx
from darkpy.engine import simd
from darkpy.errors import ArgumentError, StateError
from darkpy.kernels.convolution import ALGORITHMS
from darkpy.layers.shared.filter_layer import FilterLayer
from darkpy.network.network import Network
from darkpy.network.plan import Plan
from darkpy.training.comparison import Comparison

TEXT = """[net]
batch=2
height=33
width=31
channels=3
[convolutional]
filters=33
size=7
stride=2
pad=1
batch_normalize=1
activation=leaky
[convolutional]
filters=51
size=1
activation=linear
[convolutional]
filters=49
size=3
stride=1
pad=1
activation=mish
[route]
layers=-2,-1
[convolutional]
filters=100
size=3
pad=1
groups=100
activation=relu
[convolutional]
filters=33
size=1
activation=linear
[shortcut]
from=0
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=32
size=5
stride=2
padding=4
activation=relu
[connected]
output=10
activation=linear
[softmax]
"""


def network(precision: str = "bf16", text: str = TEXT) -> Network:
    net = Network(parse_cfg(text, "mixed.cfg"), precision=precision)
    for layer in net.layers:
        if "rolling_variance" in layer.parameters:
            layer.rolling_variance = np.ones(layer.rolling_variance.shape, np.float32)
    return net


def filters(net: Network) -> list[FilterLayer]:
    return [layer for layer in net.layers if isinstance(layer, FilterLayer)]


@needs_bf16
def test_every_layer_is_near_float32(rng: np.random.Generator) -> None:
    x = rng.random((3, 3, 33, 31), np.float32)
    ours, plain = network(), network("fp32")
    assert not any(layer.is_bf16 for layer in filters(plain))
    chosen = [layer.chosen_algorithm() for layer in filters(ours)]
    assert chosen[3] == "depthwise"
    assert chosen.count("indirect-bf16") >= 4
    assert "winograd-2x2-bf16" in chosen
    for layer, a, b in zip(ours.layers, ours.activations(x), plain.activations(x), strict=True):
        away = np.abs(a - b).max() / np.abs(b).max()
        assert 0 < away < 0.02, layer.label
    np.testing.assert_allclose(ours.predict(x), plain.predict(x), rtol=0, atol=0.01)


@needs_bf16
def test_bits_depend_on_neither_threads_nor_neighbours(
    rng: np.random.Generator, threads: object
) -> None:
    x = rng.random((5, 3, 33, 31), np.float32)
    answers = []
    for count in (1, 2, 7):
        threads(count)  # type: ignore[operator]
        answers.append(network().predict(x))
    assert answers[0].tobytes() == answers[1].tobytes() == answers[2].tobytes()
    alone = np.concatenate([network().predict(x[k : k + 1]) for k in range(5)])
    np.testing.assert_allclose(alone, answers[0], rtol=0, atol=2e-3)


@needs_bf16
def test_weights_are_kept_once_and_rounded() -> None:
    ours, plain = network(), network("fp32")
    for a, b in zip(filters(ours), filters(plain), strict=True):
        weights = b.weights
        if a.chosen_algorithm() != "indirect-bf16":
            np.testing.assert_array_equal(a.weights, weights)
            continue
        bits = weights.view(np.uint32).astype(np.uint64)
        nearest = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32)
        np.testing.assert_array_equal(a.weights, nearest.view(np.float32).reshape(weights.shape))
        pairs = -(-weights.shape[1] // 2) / weights.shape[1]
        size = a.parameters["weights"].storage.nbytes
        assert size == pytest.approx(pairs * b.parameters["weights"].storage.nbytes)


@needs_bf16
def test_readers_of_one_tensor_share_its_rounding() -> None:
    net = darkpy.load("googlenet", precision="bf16")
    plan = Plan(net.layers, net.input_shape, 1, wanted=(net.answer.index,))
    rounding = [call for call in plan.program.calls if call.function == "dk_round_bf16"]
    readers = [
        call.fields["x"]
        for call in plan.program.calls
        if call.fields.get("algorithm") == ALGORITHMS.index("indirect-bf16")
    ]
    assert len(rounding) == len(set(readers)) < len(readers)


@needs_bf16
def test_the_choice_is_shown(rng: np.random.Generator) -> None:
    net = network()
    text = net.summary()
    assert text.count("-bf16") == sum(layer.is_bf16 for layer in filters(net))
    assert "precision bf16 where the algorithm says so" in text
    calls = net.profile(rng.random((1, 3, 33, 31), np.float32), repeat=1)
    assert {call.algorithm for call in calls if call.layer is filters(net)[0]} == {
        "",  # the rounding
        "indirect-bf16",
    }
    assert "bf16" not in network("fp32").summary()


@needs_bf16
def test_such_a_network_is_neither_trained_nor_saved(tmp_path: Path) -> None:
    net = network()
    x, truth = np.zeros((2, 3, 33, 31), np.float32), np.zeros((2, 10), np.float32)
    message = "mixed.cfg: with precision 'bf16' a network cannot be"
    for what in (
        lambda: net.train_step(x, truth),
        net.prepare_training,
        lambda: net.summary(2),
        lambda: net.load_momentum(tmp_path / "m"),
    ):
        with pytest.raises(StateError, match=f"{message} trained"):
            what()
    for save in (net.save_weights, net.save_momentum):
        with pytest.raises(StateError, match=f"{message} saved"):
            save(tmp_path / "w")
    assert not list(tmp_path.iterdir())


@needs_bf16
def test_algorithms_of_the_other_precision_are_refused() -> None:
    ours, plain = filters(network())[0], filters(network("fp32"))[0]
    with pytest.raises(ArgumentError, match=r"layer 0 .*'im2col' cannot"):
        ours.algorithm = "im2col"
    with pytest.raises(ArgumentError, match=r"layer 0 .*'indirect-bf16' cannot"):
        plain.algorithm = "indirect-bf16"
    ours.algorithm = "indirect-bf16"
    assert ours.chosen_algorithm() == "indirect-bf16"


def test_a_precision_that_is_not_there_is_refused() -> None:
    with pytest.raises(ArgumentError, match="precision must be one of fp32, bf16, got 'half'"):
        darkpy.load("googlenet-28", precision="half")
    before = simd.simd()
    simd.use("baseline")
    try:
        with pytest.raises(ArgumentError, match=r"a processor with AVX512_BF16 .*'baseline'"):
            darkpy.load("googlenet-28", precision="bf16")
    finally:
        simd.use(before)


@needs_bf16
@pytest.mark.parametrize(
    ("name", "size", "top1", "top5"),
    [("googlenet", 224, 78, 96), ("squeezenet-1.1", 227, 68, 87)],
)
def test_real_weights_on_real_photos(
    shared: Path, name: str, size: int, top1: int, top5: int
) -> None:
    folder = shared / "data" / "imagenet-nets"
    files = folder / f"{name}.cfg", folder / f"{name}.weights"
    x, labels = photos(shared / "data" / "imagenet-photos", size)
    out = darkpy.load(*files, precision="bf16").predict(x)
    plain = darkpy.load(*files).predict(x)
    order = np.argsort(-out, axis=1, kind="stable")
    assert np.abs(out - plain).max() < 0.05
    assert np.sum(order[:, 0] == plain.argmax(axis=1)) >= 98
    # in float32 exactly so many; a photo more or less is a matter of the processor's roundings
    assert abs(np.sum(order[:, 0] == labels) - top1) <= 1
    assert abs(np.sum(order[:, :5] == labels[:, None]) - top5) <= 1


def test_a_comparison_counts_images_and_takes_the_largest_difference(
    rng: np.random.Generator,
) -> None:
    class Answers:
        channels, height, width = 1, 2, 3

        def __init__(self, rows: list[list[float]]) -> None:
            self.rows = rows

        def predict(self, x: np.ndarray) -> np.ndarray:
            return np.array(self.rows[: len(x)], np.float32)

    ours = Answers([[0.5, 0.25], [0.25, 0.5]])
    comparison = Comparison(ours, Answers([[0.5, 0.25], [0.5, 0.375]]))
    assert (comparison.channels, comparison.height, comparison.width) == (1, 2, 3)
    for count in (2, 1, 0):
        x = np.zeros((count, 1, 2, 3), np.float32)
        np.testing.assert_array_equal(comparison.predict(x), ours.predict(x))
    assert (comparison.count, comparison.same, comparison.difference) == (3, 2, 0.5)
    assert str(comparison).endswith("the same best class for 2 of 3 images")


@needs_bf16
def test_bench_says_what_bf16_costs_and_brings(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = tmp_path / "mixed.cfg"
    cfg.write_text(TEXT.replace("channels=3", "channels=1"))
    for split in ("train", "t10k"):
        pictures = rng.integers(0, 256, (7, 33, 31), np.uint8)
        write_idx(tmp_path / f"{split}-images-idx3-ubyte", pictures)
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte", np.arange(7, dtype=np.uint8))
    (tmp_path / "classes.names").write_text("".join(f"{k}\n" for k in range(10)))
    words = ["bench", str(cfg), "--repeat", "2", "--data", str(tmp_path)]
    assert main([*words, "--precision", "bf16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "a prediction of 1 image" in lines[0]
    assert re.search(
        r"bf16 takes turns with fp32 .* x as fast; outputs differ by at most", lines[1]
    )
    assert re.match(r"bf16 names .* of 7 photos correctly, top-5 ", lines[2])
    assert re.match(r"fp32 names .* of 7 photos correctly, top-5 ", lines[3])
    assert re.match(r"bf16 beside fp32: outputs .* of 7 images", lines[4])
    assert main(words) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["bench", str(cfg), "--repeat", "1"]) == 0
    assert "bf16" not in capsys.readouterr().out
    assert main(["bench", str(cfg), "--training", "--precision", "bf16"]) == 2
    assert "cannot be trained" in capsys.readouterr().err


@needs_bf16
def test_two_linear_steps_are_joined_in_bf16_too(rng: np.random.Generator) -> None:
    head = "[net]\nheight=30\nwidth=30\nchannels=3\n[convolutional]\nfilters=9\nactivation=linear\n"
    text = f"{head}[convolutional]\nfilters=20\nsize=5\nstride=2\nactivation=relu\n[avgpool]\n"
    ours, plain = network(text=text), network("fp32", text)
    x = rng.random((2, 3, 30, 30), np.float32)
    expected = plain.predict(x)
    np.testing.assert_allclose(ours.predict(x), expected, rtol=0, atol=0.02 * expected.max())
    calls = ours.profile(x, repeat=1)
    assert [call.algorithm for call in calls if call.algorithm] == ["indirect-bf16"]
