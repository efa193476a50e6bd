"""Times of single calls: all of them, of the right layers, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy.engine.algorithms import chosen_algorithm
from darkpy.errors import ArgumentError, ShapeError
from darkpy.network.network import Network

CFG = """
[net]
batch=2
height=10
width=10
channels=3
[convolutional]
filters=8
size=3
pad=1
batch_normalize=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=4
activation=linear
[avgpool]
[softmax]
"""


@pytest.fixture
def net(tmp_path: Path) -> Network:
    path = tmp_path / "net.cfg"
    path.write_text(CFG)
    return darkpy.load(path)


def test_prediction(net: Network, rng: np.random.Generator) -> None:
    x = rng.random((3, 3, 10, 10), np.float32)
    before = net.predict(x)
    calls = net.profile(x, repeat=3)
    assert calls[0].layer is None
    assert [call.layer.kind for call in calls[1:] if call.layer] == [la.kind for la in net.layers]
    first = calls[1]
    assert first.function == "dk_convolution_forward"
    assert first.flops == 3 * 2 * 8 * 100 * 27
    assert first.algorithm == chosen_algorithm(net.layers[0].geometry, 3, (10, 10))
    assert all(call.seconds > 0 for call in calls)
    np.testing.assert_array_equal(net.predict(x), before)


def test_training(net: Network, rng: np.random.Generator) -> None:
    x = rng.random((5, 3, 10, 10), np.float32)
    truth = np.zeros((5, 4), np.float32)
    before = net.layers[0].weights.copy()
    calls = net.profile(x, truth, repeat=1)
    functions = [call.function for call in calls if call.layer is net.layers[0]]
    assert functions[0] == "dk_convolution_forward"
    assert functions[-1] == "dk_convolution_backward_weights"
    np.testing.assert_array_equal(net.layers[0].weights, before)


def test_bad_input(net: Network) -> None:
    with pytest.raises(ShapeError):
        net.profile(np.zeros((1, 3, 9, 10), np.float32))
    with pytest.raises(ArgumentError, match="at least one image"):
        net.profile(np.zeros((0, 3, 10, 10), np.float32))
    with pytest.raises(ArgumentError, match="repeat"):
        net.profile(np.zeros((1, 3, 10, 10), np.float32), repeat=0)
    with pytest.raises(ShapeError):
        net.profile(np.zeros((1, 3, 10, 10), np.float32), np.zeros((1, 5), np.float32))


def test_a_forced_algorithm_is_shown(net: Network, rng: np.random.Generator) -> None:
    net.layers[0].algorithm = "im2col"
    calls = net.profile(rng.random((1, 3, 10, 10), np.float32), repeat=1)
    assert calls[1].algorithm == "im2col"


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from darkpy.cli.main import main

    path = tmp_path / "net.cfg"
    path.write_text(CFG)
    assert main(["bench", str(path), "--repeat", "2"]) == 0
    assert "a prediction of 1 image," in capsys.readouterr().out
    arguments = ["--layers", "--training", "--peak", "100", "--threads", "1", "--repeat", "1"]
    assert main(["bench", str(path), *arguments]) == 0
    printed = capsys.readouterr().out
    assert "convolution_backward_weights" in printed
    assert "% of peak" in printed
    assert "of 2 images" in printed
    layers, totals, _ = printed.split("\n\n")
    for kind in ("convolution_forward", "convolution_backward_weights"):
        lines = [line.split() for line in totals.splitlines() if line.startswith(kind)]
        assert sum(int(line[2]) for line in lines) == layers.count(kind)
