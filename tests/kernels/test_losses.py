"""Costs of NumPy's arrays and their deltas, and Darknet's calls of them."""

from __future__ import annotations

import numpy as np
import pytest
from draw import misaligned, normal
from references import kernels as reference

import darkpy.kernels as K
from darkpy.errors import ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23


@pytest.mark.parametrize("name", ["l1_cpu", "l2_cpu", "smooth_l1_cpu"])
@pytest.mark.parametrize("count", [0, 1, 17, (1 << 14) + 3])
def test_losses(every_simd, rng, name, count):
    pred, truth = 2 * normal(rng, count), normal(rng, count)
    truth[: count // 4] = pred[: count // 4]
    check_loss(name, pred, truth)


@pytest.mark.parametrize("name", ["softmax_x_ent_cpu", "logistic_x_ent_cpu"])
@pytest.mark.parametrize("count", [0, 1, 17, 1000])
def test_cross_entropies(every_simd, rng, name, count):
    pred = misaligned(rng.uniform(0.01, 0.99, count))
    truth = misaligned(rng.uniform(0, 1, count) * (rng.uniform(size=count) > 0.5))
    check_loss(name, pred, truth)


def check_loss(name, pred, truth):
    delta, error = getattr(K, name)(pred, truth)
    exact_delta, exact_error = getattr(reference, name)(pred.size, pred, truth)
    np.testing.assert_allclose(delta, exact_delta, atol=2 * EPS)
    np.testing.assert_allclose(error, exact_error, rtol=8 * EPS, atol=8 * EPS)
    flat_delta, flat_error = np.empty_like(pred), np.empty_like(pred)
    getattr(darknet_calls, name)(pred.size, pred, truth, flat_delta, flat_error)
    np.testing.assert_array_equal(flat_delta, delta)
    np.testing.assert_array_equal(flat_error, error)


def test_same_bits_for_any_number_of_threads(every_simd, same_bits, rng):
    x, d = normal(rng, 3, 20, 33, 30), normal(rng, 3, 20, 33, 30)
    same_bits(lambda: [*K.smooth_l1_cpu(x, d)])


def test_empty_arrays_stay_empty():
    x = np.empty((0, 3, 2, 2), np.float32)
    delta, error = K.l2_cpu(x, x)
    assert delta.shape == error.shape == x.shape


def test_bad_arguments_name_themselves():
    x, y = np.ones((2, 3), np.float32), np.ones((2, 2), np.float32)
    for error, match, call in (
        (ShapeError, "delta must have shape", lambda: K.l2_cpu(x, x + 1, delta=y)),
        (ShapeError, "truth must have shape", lambda: K.l2_cpu(x, y)),
    ):
        with pytest.raises(error, match=match):
            call()
