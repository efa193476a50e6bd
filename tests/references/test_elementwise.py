"""Activations, LRN, l2norm, softmax and the costs against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from . import activations as act
from . import losses, routing
from .lrn import lrn_backward, lrn_forward
from .numeric import assert_is_gradient, numerical_gradient

POINTS = np.array(
    [-6.3, -4.7, -2.6, -1.55, -0.93, -0.4, -0.07, 0.05, 0.33, 0.72, 1.4, 2.3, 4.6, 6.8]
)
"""Away from the kinks of every activation."""


@pytest.mark.parametrize("name", sorted(act.FORWARD))
def test_activation_gradient(name):
    y = act.activate(name, POINTS)
    grad = act.activation_backward(name, np.ones_like(POINTS), POINTS, y)
    assert_is_gradient(lambda v: act.activate(name, v).sum(), POINTS, grad)


@pytest.mark.parametrize("name", act.OVER_CHANNELS)
def test_activation_over_channels(rng, name):
    x = rng.permutation(np.linspace(-1.9, 2.1, 24)).reshape(2, 3, 2, 2)
    y, r = act.activation_forward(name, x), rng.standard_normal(x.shape)
    grad = act.activation_backward(name, r, x, y)
    atol = 2e-4 if name.endswith("maxval") else 1e-8  # the maximum is taken as constant
    assert_is_gradient(lambda v: (r * act.activation_forward(name, v)).sum(), x, grad, 1e-6, atol)


def test_activations_far_out_are_finite():
    for name in act.FORWARD:
        x = np.array([-1e4, 1e4])
        assert np.isfinite(act.activate(name, x)).all(), name
        y = act.activate(name, x)
        assert np.isfinite(act.activation_backward(name, np.ones(2), x, y)).all(), name


@pytest.mark.parametrize("size", [1, 2, 4, 5, 9])
def test_lrn(rng, size):
    x, r = rng.standard_normal((2, 5, 2, 2)), rng.standard_normal((2, 5, 2, 2))
    y, norms = lrn_forward(x, size, 0.3, 0.75, 1.5)
    for k in range(5):
        window = x[:, max(0, k - (size - 1) // 2) : k + size // 2 + 1]
        expected = x[:, k] / (1.5 + 0.3 * (window**2).sum(1)) ** 0.75
        np.testing.assert_allclose(y[:, k], expected, 1e-12)
    grad = lrn_backward(r, x, norms, size, 0.3, 0.75)
    assert_is_gradient(lambda v: (r * lrn_forward(v, size, 0.3, 0.75, 1.5)[0]).sum(), x, grad)


def test_lrn_worked_example():
    """TensorFlow's depth_radius=2, bias=0, alpha=1, beta=1 on one pixel with channels 1..8."""
    y, _ = lrn_forward(np.arange(1.0, 9).reshape(1, 8, 1, 1), 5, 1, 1, 0)
    np.testing.assert_allclose(y.ravel()[[0, 3, 7]], [1 / 14, 4 / 90, 8 / 149], 1e-12)


def test_l2norm(rng):
    x, r = rng.standard_normal((2, 3, 2, 2)), rng.standard_normal((2, 3, 2, 2))
    np.testing.assert_allclose((routing.l2norm_forward(x) ** 2).sum(1), 1, 1e-12)
    grad = routing.l2norm_backward(r, x)
    assert_is_gradient(lambda v: (r * routing.l2norm_forward(v)).sum(), x, grad)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_softmax(rng, groups, temperature):
    """delta is -T times the derivative of the loss: Darknet leaves the 1/T out."""
    x = rng.standard_normal((3, 6))
    truth = np.eye(6)[[0, 4, 5]] if groups == 1 else np.tile(np.eye(3)[[0, 1, 2]], 2)

    def loss(v):
        return losses.softmax_loss(losses.softmax_forward(v, groups, temperature), truth)[0].sum()

    y = losses.softmax_forward(x, groups, temperature)
    np.testing.assert_allclose(y.reshape(3, groups, -1).sum(2), 1, 1e-12)
    assert_is_gradient(loss, x, -losses.softmax_loss(y, truth)[1] / temperature)


def test_soft_labels_weigh_the_loss(rng):
    x, truth = rng.standard_normal((2, 4)), np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1]])
    y = losses.softmax_forward(x)
    loss, delta = losses.softmax_loss(y, truth)
    np.testing.assert_allclose(loss, -truth * np.log(y))
    assert_is_gradient(
        lambda v: losses.softmax_loss(losses.softmax_forward(v), truth)[0].sum(), x, -delta
    )


def test_masked_truths_count_nothing():
    truth = np.array([[1.0, 0, -1234, -1234]])
    for kind in (losses.softmax_loss, losses.masked_loss):
        loss, delta = kind(np.full((1, 4), 0.25), truth)
        assert (loss[0, 2:] == 0).all()
        assert (delta[0, 2:] == 0).all()
        assert delta[0, 0] == 0.75


def test_logistic(rng):
    x, truth = rng.standard_normal((2, 5)), rng.integers(0, 2, (2, 5)).astype(float)
    delta = losses.logistic_loss(act.activate("logistic", x), truth)[1]
    assert_is_gradient(
        lambda v: losses.logistic_loss(act.activate("logistic", v), truth)[0].sum(), x, -delta
    )


@pytest.mark.parametrize("name, share", [("sse", 2), ("masked", 2), ("smooth", 2), ("L1", 1)])
def test_costs(name, share):
    """sse, masked and smooth send half of the derivative of what they print."""
    truth = np.array([0.3, -0.2, 0.9, 0.1, 0.0, 0.4])
    p = truth + np.array([0.2, -0.6, 1.7, -2.4, 0.95, -1.05])
    delta = losses.COSTS[name](p, truth)[1]
    grad = numerical_gradient(lambda v: losses.COSTS[name](v, truth)[0].sum(), p)
    np.testing.assert_allclose(-share * delta, grad, 1e-6, 1e-8)


def test_l1_where_equal():
    assert losses.l1_loss(np.array([0.5]), np.array([0.5]))[1] == -1
