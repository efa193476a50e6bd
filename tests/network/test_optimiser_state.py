"""Training that stops and goes on arrives at the weights of training that did not stop."""

from __future__ import annotations

import numpy as np
import pytest

import darkpy
from darkpy.errors import WeightsError
from darkpy.network.optimiser_state import HEADER
from darkpy.training.callbacks import Callback
from darkpy.training.trainer import train

CFG = """
[net]
batch=8
subdivisions=2
height=9
width=9
channels=3
learning_rate=0.05
translate=2
flip=1
policy=poly
power=1
max_batches=14
{more}
[convolutional]
filters=20
size=3
pad=1
batch_normalize=1
activation=leaky
[dropout]
probability=.4
[connected]
output=4
activation=linear
[softmax]
"""


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 256, (21, 3, 9, 9), dtype=np.uint8), np.arange(21) % 4


class Stop(Callback):
    """Ends the training after an update, as Ctrl-C does."""

    def on_update(self, run, update) -> None:
        run.stop = update.number == 5


@pytest.mark.parametrize("more", ["", "adam=1"])
def test_going_on_is_not_stopping(tmp_path, data, more) -> None:
    cfg = tmp_path / "net.cfg"
    cfg.write_text(CFG.format(more=more))
    quiet = {"seed": 4, "progress": False}
    train(cfg, data, out=tmp_path / "whole", **quiet)
    history = train(cfg, data, out=tmp_path / "parts", callbacks=[Stop()], **quiet)
    assert history.is_interrupted
    last = tmp_path / "parts" / "net_last.weights"
    train(cfg, data, weights=last, out=tmp_path / "parts", **quiet)
    whole, parts = (tmp_path / part / "net_final.weights" for part in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()
    # Without the momentum it is another training.
    train(cfg, data, out=tmp_path / "parts", callbacks=[Stop()], **quiet)
    last.with_suffix(".momentum").unlink()
    train(cfg, data, weights=last, out=tmp_path / "parts", **quiet)
    assert whole.read_bytes() != parts.read_bytes()


@pytest.fixture
def trained(tmp_path, rng: np.random.Generator) -> darkpy.Network:
    cfg = tmp_path / "net.cfg"
    cfg.write_text(CFG.format(more=""))
    net = darkpy.load(cfg)
    truth = np.eye(4, dtype=np.float32)
    for _ in range(4):
        net.train_step(rng.random((4, 3, 9, 9), np.float32), truth)
    return net


def spoil(offset: int, bytes_: bytes):
    return lambda data: data[:offset] + bytes_ + data[offset + len(bytes_) :]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:20], "not a darkpy .momentum file"),
        (spoil(0, b"x"), "not a darkpy .momentum file"),
        (spoil(16, b"\1"), "weights that saw 1 images, not 16"),
        (spoil(32, b"\2"), "its state is that of adam, the cfg's is sgd"),
        (spoil(32, b"\x2a"), "its state is that of an unknown optimiser, number 42, the cfg's is"),
        (lambda data: data[:-4], r"values, but net has [\d,]+ to update"),
        (lambda data: data + b"1234", r"values, but net has [\d,]+ to update"),
        (spoil(HEADER.size + 80, b"\0\0\xc0\x7f"), r"layer 0 \[convolutional\] scales: its up"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(tmp_path, trained, change, message) -> None:
    path = tmp_path / "x.momentum"
    trained.save_momentum(path)
    path.write_bytes(change(path.read_bytes()))
    trained.save_weights(tmp_path / "x.weights")
    other = darkpy.load(trained.path, tmp_path / "x.weights")
    with pytest.raises(WeightsError, match=message):
        other.load_momentum(path)
    assert not other.layers[0].parameters["weights"].updates.any()
    assert other.steps == 0
    with pytest.raises(WeightsError, match="cannot be read: No such file"):
        other.load_momentum(tmp_path / "absent")


def test_momentum_of_other_weights_is_left_out_with_a_warning(tmp_path, data, trained) -> None:
    trained.save_weights(tmp_path / "x.weights")
    (tmp_path / "x.momentum").write_bytes(b"old")
    with pytest.warns(UserWarning, match=r"x\.momentum.*begin without momentum"):
        train(trained.path, data, weights=tmp_path / "x.weights", out=tmp_path, progress=False)
