"""The networks that Darknet itself ran: outputs, training losses, weights after training."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy.network.network import Network

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
PJREDDIE = sorted((GOLDEN / "darknet").glob("*.cfg"))
ALEXEYAB = [
    path
    for path in sorted((GOLDEN / "alexeyab").glob("*.cfg"))
    if "[sam]" not in path.read_text()  # a section that darkpy does not have yet
]
CASES = PJREDDIE + ALEXEYAB


def opened(cfg: Path, tmp_path: Path) -> tuple[Network, dict[str, np.ndarray]]:
    """The case's network with its weights, and its arrays."""
    arrays = dict(np.load(cfg.with_suffix(".npz")))
    weights = tmp_path / "golden.weights"
    weights.write_bytes(arrays["weights"].tobytes())
    dialect = "alexeyab" if cfg in ALEXEYAB else "auto"
    return darkpy.load(cfg, weights, dialect=dialect), arrays


@pytest.mark.parametrize("cfg", CASES, ids=lambda path: path.stem)
def test_every_layers_output(cfg: Path, tmp_path: Path) -> None:
    net, arrays = opened(cfg, tmp_path)
    outputs = net.activations(arrays["x"])
    for index, output in enumerate(outputs):
        expected = arrays[f"layer_{index}"].reshape(output.shape)
        np.testing.assert_allclose(
            output, expected, rtol=1e-4, atol=1e-5, err_msg=net.layers[index].label
        )
    answer = net.answer.index
    np.testing.assert_allclose(
        net.predict(arrays["x"]),
        outputs[answer].reshape(len(arrays["x"]), -1),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    "cfg",
    [p for p in CASES if p.stem.endswith("_train") or p.stem == "connected_softmax"],
    ids=lambda path: path.stem,
)
def test_training(cfg: Path, keep: bool, tmp_path: Path) -> None:
    net, arrays = opened(cfg, tmp_path)
    losses = [
        net.train_step(x, truth.reshape(len(x), -1), keep=keep)
        for x, truth in zip(arrays["train_x"], arrays["train_truth"], strict=True)
    ]
    np.testing.assert_allclose(losses, arrays["train_loss"], rtol=1e-4)
    after = tmp_path / "after.weights"
    net.save_weights(after)
    expected = arrays["train_weights"].tobytes()
    assert struct.unpack("<3iQ", after.read_bytes()[:20]) == struct.unpack("<3iQ", expected[:20])
    np.testing.assert_allclose(
        np.frombuffer(after.read_bytes()[20:], "<f4"),
        np.frombuffer(expected[20:], "<f4"),
        rtol=1e-3,
        atol=1e-5,
    )


@pytest.mark.parametrize("cfg", CASES, ids=lambda path: path.stem)
def test_weights_round_trip_to_the_byte(cfg: Path, tmp_path: Path) -> None:
    net, arrays = opened(cfg, tmp_path)
    net.save_weights(tmp_path / "again.weights")
    assert (tmp_path / "again.weights").read_bytes() == arrays["weights"].tobytes()
