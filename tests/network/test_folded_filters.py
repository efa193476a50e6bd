"""A linear 1x1 convolution is taken into the one behind it, in inference, and changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

import darkpy

NET = "[net]\nheight=9\nwidth=8\nchannels={channels}\n"
FIRST = "[convolutional]\nfilters=3\nsize=1\nstride=1\nactivation={activation}\n{first}\n"
SECOND = "[convolutional]\nfilters=5\nsize={size}\nstride={stride}\nactivation=leaky\n{second}\n"
OPTIONS = {"channels": 3, "activation": "linear", "first": "", "size": 3, "stride": 2, "second": ""}


def load(tmp_path, rng, *, extra="", **options):
    path = tmp_path / "net.cfg"
    path.write_text((NET + FIRST + SECOND + extra).format(**(OPTIONS | options)))
    net = darkpy.load(path)
    for layer in net.layers:
        for name, parameter in layer.parameters.items():
            low = 0.5 if name in ("scales", "rolling_variance") else -1
            parameter.assign(rng.uniform(low, 1.5, parameter.shape).astype(np.float32))
    return net


def convolutions(net):
    x = np.zeros(net.input_shape.array_shape(1), np.float32)
    return sum(call.function == "dk_convolution_forward" for call in net.profile(x, repeat=1))


def agrees(net, rng):
    """`activations` runs every layer on its own: it is the reference for `predict`."""
    x = rng.random(net.input_shape.array_shape(3), np.float32)
    alone = net.activations(x)[-1].reshape(len(x), -1)
    np.testing.assert_allclose(net.predict(x), alone, rtol=1e-5, atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize("first", ["", "batch_normalize=1"])
@pytest.mark.parametrize("second", ["", "batch_normalize=1"])
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_first_layer_is_taken_over(tmp_path, rng, channels, size, first, second):
    net = load(tmp_path, rng, channels=channels, size=size, first=first, second=second)
    assert convolutions(net) == 1
    agrees(net, rng)


def test_new_parameters_of_either_layer_count(tmp_path, rng):
    net = load(tmp_path, rng, first="batch_normalize=1", second="batch_normalize=1")
    agrees(net, rng)
    for layer in net.layers:
        for parameter in layer.parameters.values():
            parameter.assign(parameter.value * np.float32(0.5))
            agrees(net, rng)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": 4},  # more channels than filters: more work than before
        {"second": "pad=1"},  # the border's zeros come after the first layer
        {"second": "padding=1"},
        {"activation": "relu"},
        {"size": 1, "stride": 1, "extra": "[route]\nlayers=-1,-2\n"},  # read twice
    ],
)
def test_where_it_would_be_wrong_both_layers_run(tmp_path, rng, change):
    net = load(tmp_path, rng, **change)
    assert convolutions(net) == 2
    agrees(net, rng)


def test_a_forced_algorithm_keeps_the_layers_apart(tmp_path, rng):
    net = load(tmp_path, rng)
    net.layers[0].algorithm = "im2col"
    assert convolutions(net) == 2
    agrees(net, rng)


def test_the_summary_says_where_the_layer_went(tmp_path, rng):
    lines = load(tmp_path, rng).summary().splitlines()
    assert lines[1].endswith("in layer 1")
    assert lines[2].endswith("indirect")
