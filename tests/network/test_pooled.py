"""Training does the backward of bias and activation behind a pooling, where only that reads."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import HEAD, TAIL, conv, pool, route
from network_pair import Pair

from darkpy.config.sections import parse_cfg
from darkpy.network.network import Network
from darkpy.network.training_memory import training_memory


def trained(text: str, keep: bool) -> Pair:
    pair = Pair(HEAD + text + TAIL)
    for _ in range(3):
        pair.net.train_step(pair.photos(2), pair.truth(), keep=keep)
    return pair


@pytest.mark.parametrize("stop", [0, 1, 2, 3])
def test_filters_that_get_no_gradient_keep_their_biases(stop: int) -> None:
    branches = conv(4, activation="relu") + conv(3, activation="elu") + route("0")
    text = branches + conv(5, activation="logistic") + route("1,3") + pool(3, 1, 2) + conv(3)
    sections = text.split("[")
    sections[stop + 1] += "stopbackward=1\n"
    text = "[".join(sections)
    pairs = Pair(HEAD + text + TAIL), trained(text, True), trained(text, False)
    for before, kept, layer in zip(*(pair.net.layers for pair in pairs), strict=True):
        if "biases" in layer.parameters:
            np.testing.assert_allclose(layer.biases, kept.biases, rtol=1e-4, atol=1e-6)
            assert (layer.biases != before.biases).any() == (layer.index > stop), layer.label


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
