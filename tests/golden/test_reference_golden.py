"""The float64 reference against Darknet's own numbers."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from references.network import ReferenceNetwork

HERE = Path(__file__).parent
CASES = sorted(p.relative_to(HERE).with_suffix("") for p in HERE.glob("*/*.npz"))
TRAINED = [c for c in CASES if "train_x" in np.load(HERE / f"{c}.npz").files]


def load(case):
    with np.load(HERE / f"{case}.npz") as data:
        arrays = dict(data)
    net = ReferenceNetwork(HERE / f"{case}.cfg", dialect=dialect_of(case))
    net.load_weights(arrays["weights"].tobytes())
    return net, arrays


def dialect_of(case):
    return "alexeyab" if case.parent.name == "alexeyab" else "pjreddie"


def test_every_case_is_here():
    assert len(CASES) == 29
    assert len(TRAINED) == 8


@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs(case):
    net, arrays = load(case)
    outputs = net.forward(arrays["x"])
    assert len(outputs) == sum(name.startswith("layer_") for name in arrays)
    for i, y in enumerate(outputs):
        expected = arrays[f"layer_{i}"].reshape(y.shape)
        np.testing.assert_allclose(y, expected, 1e-4, 1e-5, err_msg=f"layer {i}")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_weights_round_trip(case):
    net, arrays = load(case)
    assert net.weights_bytes() == arrays["weights"].tobytes()


@pytest.mark.parametrize("case", TRAINED, ids=str)
def test_training(case):
    net, arrays = load(case)
    steps = zip(arrays["train_x"], arrays["train_truth"], strict=True)
    losses = [net.train_step(x, truth) for x, truth in steps]
    np.testing.assert_allclose(losses, arrays["train_loss"], 1e-4)
    expected = arrays["train_weights"].tobytes()
    assert net.weights_bytes()[:20] == expected[:20]
    assert net.seen == struct.unpack_from("<Q", expected, 12)[0]
    trained = np.frombuffer(net.weights_bytes(), "<f4", offset=20)
    np.testing.assert_allclose(trained, np.frombuffer(expected, "<f4", offset=20), 1e-3, 1e-5)
