"""Every convolution algorithm gives the same network, and one that cannot do a layer says so."""

from __future__ import annotations

import numpy as np
import pytest

import darkpy
from darkpy.errors import ArgumentError
from darkpy.layers.shared.filter_layer import FilterLayer


def test_forced_algorithms_agree(rng: np.random.Generator) -> None:
    net = darkpy.load("googlenet")
    x = rng.random((2, 3, 224, 224), np.float32)
    filters = [layer for layer in net.layers if isinstance(layer, FilterLayer)]
    assert {layer.chosen_algorithm() for layer in filters} == {
        "indirect",
        "winograd",
        "winograd-2x2",
    }
    outputs = {}
    for algorithm in ("auto", "indirect", "im2col"):
        for layer in filters:
            layer.algorithm = algorithm
        outputs[algorithm] = net.activations(x)
    for algorithm in ("auto", "indirect"):
        for layer, ours, oracle in zip(
            net.layers, outputs[algorithm], outputs["im2col"], strict=True
        ):
            assert np.abs(ours - oracle).max() <= 1e-4 * np.abs(oracle).max(), layer.label


def test_an_algorithm_that_cannot_do_the_layer_names_it() -> None:
    layer = darkpy.load("googlenet").layers[0]
    assert isinstance(layer, FilterLayer)
    with pytest.raises(ArgumentError, match=r"layer 0 \[convolutional\].*winograd.*7 x 7"):
        layer.algorithm = "winograd"
    with pytest.raises(ArgumentError, match="must be one of auto, im2col"):
        layer.algorithm = "fastest"


def test_the_summary_shows_the_choice() -> None:
    lines = darkpy.load("googlenet").summary().splitlines()
    assert lines[1].endswith("indirect")
    assert any(line.endswith("winograd") for line in lines)
