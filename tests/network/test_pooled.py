"""Training does the backward of bias and activation behind a pooling, where only that reads."""

from __future__ import annotations

import pytest
from graphs import GRAPHS, HEAD, TAIL, conv, pool, route

from darkpy.config.sections import parse_cfg
from darkpy.network.fusing import find_pooled
from darkpy.network.network import Network
from darkpy.network.training_memory import training_memory


def pooled(text: str, stop: int = -1) -> dict[int, list[tuple[int, int]]]:
    layers = Network(parse_cfg(HEAD + text + TAIL)).layers
    return find_pooled(layers, range(len(layers)), stop)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pooled filters", {1: [(0, 0)]}),
        ("pooled branches", {5: [(1, 0), (3, 3)]}),
        ("pooled filters read twice", {}),
        ("pooled twice", {1: [(0, 0)]}),
        ("windows outside the image", {}),
        ("two poolings joined", {}),
    ],
)
def test_what_is_pooled(name, expected):
    assert pooled(GRAPHS[name]) == expected


@pytest.mark.parametrize(
    "text",
    [
        conv(batch_normalize=1) + pool(2, 2, 0),
        conv(activation="mish") + pool(2, 2, 0),
        conv(activation="normalize_channels") + pool(2, 2, 0),
        conv(4) + route("0", groups=2) + pool(2, 2, 0),
        conv(4) + conv(4) + route("0,1", groups=2) + pool(2, 2, 0),
        conv(4) + conv(4) + route("0,0,1") + pool(2, 2, 0),
        conv(4) + "[dropout]\n" + pool(2, 2, 0),
    ],
)
def test_what_is_not_pooled(text):
    assert pooled(text) == {}


def test_filters_that_get_no_gradient_keep_their_biases():
    assert pooled(GRAPHS["pooled branches"], stop=0) == {5: [(1, 0), (3, 3)]}
    assert pooled(GRAPHS["pooled branches"], stop=1) == {}


def test_the_filters_output_is_not_kept():
    def arena(text: str) -> int:
        net = Network(parse_cfg(HEAD.replace("height=6", "height=64") + text + TAIL))
        return training_memory(net, 2).arena

    filters = conv(64, activation="relu") + pool(2, 2, 0)
    assert arena(filters + conv(4)) < 0.75 * arena(filters + route("0") + conv(4) + route("1"))
