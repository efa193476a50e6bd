"""The packaged networks are those of the papers: sizes, counts, the table in the docs, training."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy.config.sections import parse_cfg
from darkpy.network.network import Network
from darkpy.network.packaged import find_cfg, packaged_cfgs

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"

#: Name -> input (channels, height, width), classes, parameters. Sources: torchvision's models, and
#: for the others the papers' layers, counted by hand.
NETWORKS = {
    "alexnet": ((3, 227, 227), 1000, 60_965_224),
    "alexnet-one-tower": ((3, 224, 224), 1000, 61_100_840),
    "cifar-fast": ((3, 32, 32), 10, 1_973_378),
    "darknet19": ((3, 224, 224), 1000, 20_842_376),
    "darknet53": ((3, 256, 256), 1000, 41_609_928),
    "googlenet": ((3, 224, 224), 1000, 13_378_280),
    "googlenet-28": ((1, 28, 28), 10, 149_106),
    "googlenet-bn": ((3, 224, 224), 1000, 13_385_816),
    "lenet-5": ((1, 32, 32), 10, 61_706),
    "mobilenet-v2": ((3, 224, 224), 1000, 3_504_872),
    "resnet-18": ((3, 224, 224), 1000, 11_689_512),
    "resnet-50": ((3, 224, 224), 1000, 25_557_032),
    "squeezenet": ((3, 224, 224), 1000, 1_235_496),
    "vgg-16": ((3, 224, 224), 1000, 138_357_544),
    "vgg-16-bn": ((3, 224, 224), 1000, 138_365_992),
    "vgg-19": ((3, 224, 224), 1000, 143_667_240),
    "zfnet": ((3, 224, 224), 1000, 62_357_608),
}

VGG = [(224, 64, 3), (112, 128, 64), (56, 256, 128), (28, 512, 256), (14, 512, 512)]
DENSE = 4096 * 4096 + 4096 * 1000

#: Multiply-adds counted from the shapes that the papers print: side^2 * filters * taps.
COUNTED = {
    "lenet-5": 28**2 * 6 * 25 + 10**2 * 16 * 25 * 6 + 120 * 25 * 16 + 84 * 120 + 10 * 84,
    "alexnet": 55**2 * 96 * 121 * 3
    + 27**2 * 256 * 25 * 48
    + 13**2 * 9 * (384 * 256 + 384 * 192 + 256 * 192)
    + 6 * 6 * 256 * 4096
    + DENSE,
    "alexnet-one-tower": 55**2 * 64 * 121 * 3
    + 27**2 * 192 * 25 * 64
    + 13**2 * 9 * (384 * 192 + 256 * 384 + 256 * 256)
    + 6 * 6 * 256 * 4096
    + DENSE,
    "zfnet": 110**2 * 96 * 49 * 3
    + 26**2 * 256 * 25 * 96
    + 13**2 * 9 * (384 * 256 + 384 * 384 + 256 * 384)
    + 6 * 6 * 256 * 4096
    + DENSE,
    **{
        name: sum(
            side**2 * filters * 9 * (channels + (n - 1) * filters)
            for (side, filters, channels), n in zip(VGG, layers, strict=True)
        )
        + 7 * 7 * 512 * 4096
        + DENSE
        for name, layers in (
            ("vgg-16", (2, 2, 3, 3, 3)),
            ("vgg-16-bn", (2, 2, 3, 3, 3)),
            ("vgg-19", (2, 2, 4, 4, 4)),
        )
    },
}
#: Billions, as torchvision's documentation and the papers of Darknet (two operations each) have it.
PUBLISHED = {
    "resnet-18": 1.81,
    "resnet-50": 4.09,
    "squeezenet": 0.35,
    "mobilenet-v2": 0.30,
    "darknet19": 5.58 / 2,
    "darknet53": 18.7 / 2,
}


def parameters(net: Network) -> int:
    """What training learns."""
    arrays = [p for layer in net.layers for p in layer.parameters.values()]
    return sum(p.count for p in arrays if p.trainable)


def multiply_adds(net: Network) -> int:
    """Of one photo."""
    return sum(layer.multiply_adds() for layer in net.layers)


def test_the_list_of_this_test_is_complete() -> None:
    assert list(NETWORKS) == list(packaged_cfgs())


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_and_parameters(name: str) -> None:
    shape, classes, count = NETWORKS[name]
    net = darkpy.load(name)
    size = net.input_shape
    assert (size.channels, size.height, size.width) == shape
    assert net.outputs == net.truths == classes
    assert parameters(net) == count


@pytest.mark.parametrize("name", COUNTED)
def test_multiply_adds_are_those_of_the_papers_shapes(name: str) -> None:
    assert multiply_adds(darkpy.load(name)) == COUNTED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_multiply_adds_are_near_the_published_figure(name: str) -> None:
    assert multiply_adds(darkpy.load(name)) / 1e9 == pytest.approx(PUBLISHED[name], rel=0.01)


def test_a_prediction_by_googlenet_uses_half_of_the_parameters() -> None:
    net = darkpy.load("googlenet")
    needed = {net.answer.index}
    for layer in reversed(net.layers):
        if layer.index in needed:
            needed.update(layer.sources)
    main = [layer for layer in net.layers if layer.index in needed]
    count = sum(p.count for layer in main for p in layer.parameters.values())
    work = sum(layer.multiply_adds() for layer in main)
    both = f"{count:,} parameters and {work:,} multiply-adds"
    assert both == "6,998,552 parameters and 1,582,671,872 multiply-adds"
    assert both in PAGE.read_text(encoding="utf-8")


def table() -> dict[str, list[str]]:
    """Name -> the other cells of its row in the docs."""
    rows = re.findall(r"^\| `(.*?)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return {name: cells.split(" | ") for name, cells in rows}


def test_the_table_has_every_network() -> None:
    assert set(table()) == set(packaged_cfgs())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_table_and_the_comment_have_its_counts(name: str) -> None:
    net = darkpy.load(name)
    counts = [f"{parameters(net):,}", f"{multiply_adds(net):,}"]
    assert table()[name][1:4] == [str(net.input_shape), *counts]
    comment, _ = Path(find_cfg(name)).read_text(encoding="utf-8").split("[net]", 1)
    assert f"# {counts[0]} parameters, {counts[1]} multiply-adds" in comment


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_prediction_at_full_size(name: str, rng: np.random.Generator) -> None:
    net = darkpy.load(name, seed=1)
    for layer in net.layers:
        if "rolling_variance" in layer.parameters:  # 0 before training: divides by almost nothing
            layer.rolling_variance = np.ones_like(layer.rolling_variance)
    shape, classes, _ = NETWORKS[name]
    probabilities = net.predict(rng.random((1, *shape), np.float32))
    assert probabilities.shape == (1, classes)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-5)


def narrow(name: str, side: int, divisor: int, rate: float) -> Network:
    """A copy with a part of the filters, a smaller input, 10 classes and a constant rate.

    Without dropout: it draws another network at each step, so that losses would not compare.
    """
    text = Path(find_cfg(name)).read_text(encoding="utf-8")
    head, body = re.split(r"(?m)(?=^\[convolutional\])", text, maxsplit=1)
    for key, value in (
        ("batch", 8),
        ("subdivisions", 1),
        ("height", side),
        ("width", side),
        ("learning_rate", rate),
        ("policy", "constant"),
    ):
        head, count = re.subn(rf"(?m)^{key}=.*$", f"{key}={value}", head)
        assert count == 1
    # These belong to policies that are no longer chosen.
    head = re.sub(r"(?m)^(steps|scales|step|scale|power)=.*\n", "", head)
    body = re.sub(r"(?m)^probability=.*$", "probability=0", body)

    def divided(match: re.Match[str]) -> str:
        key, number = match[1], int(match[2])
        if (key, number) == ("groups", 2):  # AlexNet's two towers; MobileNet has one per channel
            return match[0]
        if number in (10, 1000) and key != "groups":
            return f"{key}=10"
        assert number % divisor == 0
        return f"{key}={number // divisor}"

    body = re.sub(r"(?m)^(filters|output|groups)=(\d+)$", divided, body)
    return Network(parse_cfg(head + body, f"narrow-{name}.cfg"), seed=1)


@pytest.mark.parametrize(
    ("name", "side", "divisor", "rate"),
    [
        ("alexnet", 67, 8, 0.01),
        ("alexnet-one-tower", 64, 8, 0.01),
        ("darknet19", 64, 8, 0.01),
        ("darknet53", 64, 8, 0.01),
        ("lenet-5", 32, 1, 0.1),
        ("mobilenet-v2", 96, 4, 0.06),
        ("resnet-18", 64, 8, 0.01),
        ("resnet-50", 64, 8, 0.01),
        ("squeezenet", 64, 2, 0.01),
        ("vgg-16", 32, 8, 0.01),
        ("vgg-16-bn", 32, 8, 0.01),
        ("vgg-19", 32, 8, 0.03),
        ("zfnet", 64, 8, 0.01),
    ],
)
def test_a_narrow_copy_learns(
    name: str, side: int, divisor: int, rate: float, rng: np.random.Generator
) -> None:
    net = narrow(name, side, divisor, rate)
    # Eight photos of 4 x 4 coloured squares each.
    squares = rng.standard_normal((8, net.input_shape.channels, 4, 4), np.float32)
    photos = np.kron(squares, np.ones((side // 4 + 1,) * 2, np.float32))[..., :side, :side]
    truth = np.eye(10, dtype=np.float32)[:8]
    costs = [net.train_step(np.ascontiguousarray(photos), truth) for _ in range(10)]
    assert costs[-1] < 0.9 * costs[0]
    if not any("rolling_mean" in layer.parameters for layer in net.layers):
        # Normalisation ties the photos together: the loss may rise in between.
        assert all(np.diff(costs) < 0)
