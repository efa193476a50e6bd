"""Does anything work at all? One of everything, in two seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy import kernels
from darkpy.cli.main import main
from darkpy.errors import OptionValueError

CFG = """[net]
batch=4
height=8
width=8
channels=3
learning_rate=0.1
[convolutional]
filters=8
size=3
pad=1
batch_normalize=1
activation=leaky
[maxpool]
size=2
stride=2
[connected]
output=2
activation=linear
[softmax]
"""


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    path = tmp_path / "small.cfg"
    path.write_text(CFG)
    return path


def test_a_network_learns_predicts_and_is_kept(cfg: Path, rng: np.random.Generator) -> None:
    net = darkpy.load(cfg)
    truth = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    x = rng.random((4, 3, 8, 8), np.float32)
    x[1::2] += 1
    costs = [net.train_step(x, truth) for _ in range(20)]
    assert costs[-1] < 0.5 * costs[0]
    answers = net.predict(x)
    assert answers.shape == (4, 2)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-6)
    weights = cfg.with_suffix(".weights")
    net.save_weights(weights)
    np.testing.assert_array_equal(darkpy.load(cfg, weights).predict(x), answers)


def test_a_packaged_network_loads() -> None:
    assert darkpy.load("googlenet-28").outputs == 10


def test_a_kernel_computes() -> None:
    a, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((3, 4), np.float32)
    np.testing.assert_array_equal(kernels.gemm_cpu(a, b), a @ b)
    x = np.ones((1, 1, 4, 4), np.float32)
    y = kernels.convolution_forward(x, np.ones((1, 1, 3, 3), np.float32), pad=1)
    np.testing.assert_array_equal(y[0, 0], np.outer([2, 3, 3, 2], [2, 3, 3, 2]))


def test_a_bad_line_is_named(cfg: Path) -> None:
    cfg.write_text(CFG.replace("size=3", "size=three"))
    with pytest.raises(OptionValueError) as caught:
        darkpy.load(cfg)
    assert str(caught.value) == (
        f"{cfg}:9: [convolutional] size must be an integer >= 1, got 'three'"
    )


def test_the_command_line_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "googlenet-28"]) == 0
    assert "softmax" in capsys.readouterr().out
