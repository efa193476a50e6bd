"""The packaged networks: what predict leaves out, what the two auxiliary heads add to the loss."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy.config.sections import parse_cfg
from darkpy.network.network import Network
from darkpy.network.packaged import find_cfg


def googlenet() -> Network:
    """GoogLeNet for one image per step, 10 classes, 80 x 80 pixels: its own layers, less work."""
    text = Path(find_cfg("googlenet")).read_text(encoding="utf-8")
    for key, value in (("batch", 2), ("subdivisions", 1), ("height", 80), ("width", 80)):
        text, count = re.subn(rf"(?m)^{key}\s*=.*$", f"{key}={value}", text)
        assert count == 1
    text, count = re.subn(r"(?m)^(output|filters)\s*=\s*1000$", r"\1=10", text)
    assert count == 3
    return Network(parse_cfg(text, "googlenet.cfg"))


def test_the_three_losses_are_weighted() -> None:
    net = googlenet()
    heads = [layer for layer in net.layers if layer.has_cost]
    assert [layer.kind for layer in heads] == ["softmax"] * 3
    assert [layer.loss_weight for layer in heads][:2] == [0.3, 0.3]
    rng = np.random.default_rng(0)
    x = rng.random((2, 3, 80, 80)).astype(np.float32)
    truth = np.eye(10, dtype=np.float32)[[3, 7]]
    cost = net.train_step(x, truth, keep=True)
    first, second, main = (-float((truth * np.log(la.output)).sum()) for la in heads)
    np.testing.assert_allclose(cost, main + 0.3 * first + 0.3 * second, rtol=1e-5)
    for layer, weight in zip(heads, (0.3, 0.3, 1), strict=True):
        np.testing.assert_allclose(
            layer.delta, weight * (truth - layer.output), rtol=1e-4, atol=1e-7
        )


def test_predict_computes_neither_auxiliary_head() -> None:
    net = googlenet()
    x = np.random.default_rng(0).random((1, 3, 80, 80)).astype(np.float32)
    first = net.predict(x)
    ran = {call.layer.index for call in net.profile(x, repeat=1) if call.layer is not None}
    heads = [layer for layer in net.layers if layer.has_cost]
    assert net.answer is heads[-1]
    left_out = [la for la in net.layers if la.index not in ran and (la.parameters or la.has_cost)]
    kinds = [layer.kind for layer in left_out]
    assert kinds == 2 * ["convolutional", "connected", "connected", "softmax"]
    assert set(heads[:-1]) <= set(left_out)
    # ... and so what is in them cannot matter.
    for layer in left_out:
        for name, parameter in layer.parameters.items():
            setattr(layer, name, np.full(parameter.shape, 1e30, np.float32))
    np.testing.assert_array_equal(net.predict(x), first)


def test_dropout_acts_in_training_only() -> None:
    net = googlenet()
    dropouts = [layer.index for layer in net.layers if layer.kind == "dropout"]
    assert [net.layers[i].probability for i in dropouts] == [
        pytest.approx(p) for p in (0.7, 0.7, 0.4)
    ]
    x = np.random.default_rng(0).random((2, 3, 80, 80)).astype(np.float32)
    outputs = net.activations(x)
    for index in dropouts:
        np.testing.assert_array_equal(outputs[index], outputs[index - 1])


@pytest.mark.parametrize(
    ("name", "shape", "classes", "parameters"),
    [
        ("googlenet", (3, 224, 224), 1000, 13_378_280),
        ("googlenet-28", (1, 28, 28), 10, None),
        ("googlenet-bn", None, None, None),
    ],
)
def test_packaged_networks_load(
    name: str, shape: tuple[int, ...] | None, classes: int | None, parameters: int | None
) -> None:
    net = darkpy.load(name)
    if shape:
        assert net.input_shape[:3] == shape
        assert net.outputs == classes == net.truths
    if parameters:
        assert sum(p.count for layer in net.layers for p in layer.parameters.values()) == parameters
    inception = [layer for layer in net.layers if layer.kind == "route" and len(layer.sources) == 4]
    assert len(inception) == 9


def test_the_network_for_cifar10_hands_photos_through_at_first() -> None:
    net = darkpy.load("cifar-fast", seed=1)
    assert (net.input_shape[:3], net.outputs, net.truths) == ((3, 32, 32), 10, 10)
    assert net.dialect.name == "alexeyab"  # its rolling statistics follow within an epoch
    x = np.random.default_rng(0).random((2, 3, 32, 32)).astype(np.float32)
    first, second, *_ = net.activations(x)
    np.testing.assert_allclose(second[:, : first.shape[1]], first, atol=1e-5)
