"""Training does the backward of bias and activation behind a pooling, where only that reads."""

from __future__ import annotations

import pytest
from graphs import HEAD, TAIL, conv, pool, route
from network_pair import Pair

from darkpy.config.sections import parse_cfg
from darkpy.network.network import Network
from darkpy.network.training_memory import training_memory

#: Poolings whose filters must go back by themselves.
APART = {
    "batch normalisation": conv(batch_normalize=1) + pool(2, 2, 0),
    "an activation that needs its input": conv(activation="mish") + pool(2, 2, 0),
    "an activation over channels": conv(activation="normalize_channels") + pool(2, 2, 0),
    "half of the channels": conv(4) + route("0", groups=2) + pool(2, 2, 0),
    "half of the joined channels": conv(4) + conv(4) + route("0,1", groups=2) + pool(2, 2, 0),
    "one source twice": conv(4) + conv(4) + route("0,0,1") + pool(2, 2, 0),
    "dropout between": conv(4) + "[dropout]\n" + pool(2, 2, 0),
    "another reader": conv(4) + pool(2, 2, 0) + route("0") + conv(3) + pool(2, 2, 0)
    + route("1,4"),
}  # fmt: skip


@pytest.mark.parametrize("name", APART)
def test_what_cannot_be_pooled_learns_the_same(name: str) -> None:
    pair = Pair(HEAD + APART[name] + TAIL)
    for _ in range(3):
        pair.compare_step(1e-3)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_filters_that_get_no_gradient_keep_their_biases(stop: int) -> None:
    text = conv(4, activation="relu") + conv(3, activation="elu") + conv(5) + pool(2, 2, 0) + conv()
    sections = text.split("[")
    sections[stop + 1] += "stopbackward=1\n"
    pair = Pair(HEAD + "[".join(sections) + TAIL)
    before = [la.biases.copy() for la in pair.net.layers if "biases" in la.parameters]
    for _ in range(3):
        pair.compare_step(1e-3)
    after = [la.biases for la in pair.net.layers if "biases" in la.parameters]
    changed = [bool((a != b).any()) for a, b in zip(before, after, strict=True)]
    assert changed == [index > stop for index in (0, 1, 2, 4, 5)]


def arena(text: str) -> int:
    net = Network(parse_cfg(HEAD.replace("height=6", "height=64") + text + TAIL))
    return training_memory(net, 2).arena


@pytest.mark.parametrize("activation", ["relu", "logistic", "elu"])
def test_the_filters_output_is_not_kept(activation: str) -> None:
    filters = conv(64, activation=activation) + pool(2, 2, 0)
    kept = arena(filters + route("0") + conv(4) + route("1"))
    assert arena(filters + conv(4)) < 0.75 * kept


def test_the_output_of_joined_filters_is_not_kept() -> None:
    branches = conv(32, activation="relu") + route("-2") + conv(32, activation="relu")
    joined = conv(4) + branches + route("1,3") + pool(2, 2, 0)
    kept = arena(joined + route("1") + conv(4) + route("4,3"))
    assert arena(joined + conv(4)) < 0.8 * kept
