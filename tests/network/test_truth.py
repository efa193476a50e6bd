"""A layer whose truth is not of its output's size trains without a change of network or plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from darkpy.config.sections import parse_cfg
from darkpy.engine.boundary import lib
from darkpy.engine.program import Tensor, Values
from darkpy.errors import ConfigError, ShapeError
from darkpy.layers import registry
from darkpy.layers.recorder import Recorder
from darkpy.layers.shape import Shape
from darkpy.layers.shared.cost_layer import CostLayer
from darkpy.network.network import Network

NET = """
[net]
batch=2
height=1
width=1
channels=3
learning_rate=0.5
momentum=0
decay=0
[connected]
output=5
activation=linear
[first_two]
"""


class FirstTwo(CostLayer):
    """Hands its input on and compares the first two values with a truth of two."""

    @property
    def truth_shape(self) -> Shape:
        return Shape.vector(2)

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        recorder.copy(self, inputs[0], output)

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        target = recorder.input_delta(self, 0, part=(0, 2))
        assert target is not None
        dx, accumulate = target
        recorder.add(
            self,
            "dk_cost",
            writes=("costs", "delta"),
            prediction=output.channel_slice(0, 2),
            truth=Values(recorder.truth(self)),
            costs=recorder.cost(self),
            delta=dx,
            delta_factor=1.0,
            accumulate=accumulate,
            kind=lib.DK_COST_SSE,
        )


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    FirstTwo.sections = ("first_two",)
    monkeypatch.setitem(registry._CLASSES, "first_two", FirstTwo)


def test_it_learns_its_truth(rng: np.random.Generator) -> None:
    net = Network(parse_cfg(NET))
    assert (net.outputs, net.truths, net.truth_shape) == (5, 2, Shape.vector(2))
    x = rng.normal(size=(2, 3, 1, 1)).astype(np.float32)
    truth = rng.normal(size=(2, 2)).astype(np.float32)
    before = net.predict(x)
    cost = net.train_step(x, truth)
    np.testing.assert_allclose(cost, ((truth - before[:, :2]) ** 2).sum(), rtol=1e-5)
    for _ in range(300):
        cost = net.train_step(x, truth)
    after = net.predict(x)
    assert cost < 1e-6
    np.testing.assert_allclose(after[:, :2], truth, atol=1e-3)
    np.testing.assert_array_equal(after[:, 2:], before[:, 2:])  # nothing was sent to them


def test_a_truth_of_the_outputs_size_is_refused() -> None:
    net = Network(parse_cfg(NET))
    with pytest.raises(ShapeError, match=r"truth must have shape \(2, 2\), got \(2, 5\)"):
        net.train_step(np.zeros((2, 3, 1, 1), np.float32), np.zeros((2, 5), np.float32))


def test_costs_that_want_different_truths_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"its cost compares 5 values .* \[first_two\] 2"):
        Network(parse_cfg(NET + "[softmax]\n"))
