"""Activations of NumPy's arrays, and Darknet's calls of them."""

from __future__ import annotations

import numpy as np
import pytest
from draw import normal
from references import activations as activation_reference
from references import kernels as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, DTypeError, ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23


def test_every_activation_has_a_reference():
    assert set(K.ACTIVATIONS) == set(activation_reference.FORWARD)


@pytest.mark.parametrize("name", K.ACTIVATIONS)
@pytest.mark.parametrize("count", [0, 1, 31, 1000, (1 << 14) + 5])
def test_activations(every_simd, rng, name, count):
    x, delta = 3 * normal(rng, count), normal(rng, count)
    y = K.activate_array(x, name)
    exact = activation_reference.activate(name, x)
    np.testing.assert_allclose(y, exact, rtol=8 * EPS, atol=8 * EPS)
    kept = x if K.gradient_needs_input(name) else y
    d = K.gradient_array(kept, name, delta)
    exact = reference.gradient_array(kept, count, name, delta)
    np.testing.assert_allclose(d, exact, rtol=16 * EPS, atol=16 * EPS)
    in_place, delta_in_place = x.copy(), delta.copy()
    darknet_calls.activate_array(in_place, count, name)
    darknet_calls.gradient_array(kept, count, name, delta_in_place)
    np.testing.assert_array_equal(in_place, y)
    np.testing.assert_array_equal(delta_in_place, d)
    assert K.gradient_array(kept, name, delta, out=delta) is delta
    np.testing.assert_array_equal(delta, d)


def test_single_numbers():
    assert K.activate(-2.0, "leaky") == pytest.approx(-0.2)
    assert K.gradient(-2.0, "leaky") == pytest.approx(0.1)


def test_same_bits_for_any_number_of_threads(every_simd, same_bits, rng):
    x, d = normal(rng, 3, 20, 33, 30), normal(rng, 3, 20, 33, 30)
    same_bits(lambda: [K.activate_array(x, "mish"), K.gradient_array(x, "tanh", d)])


def test_empty_arrays_stay_empty():
    x = np.empty((0, 3, 2, 2), np.float32)
    for result in (
        K.activate_array(x, "relu"),
        K.gradient_array(x, "relu", x),
    ):
        assert result.shape == x.shape


def test_bad_arguments_name_themselves():
    x, y = np.ones((2, 3), np.float32), np.ones((2, 2), np.float32)
    for error, match, call in (
        (ArgumentError, "activation must be one of linear", lambda: K.activate_array(x, "lelu")),
        (DTypeError, "x must be", lambda: K.activate_array([1.0], "relu")),
        (ShapeError, "delta must have shape", lambda: K.gradient_array(x, "relu", y)),
        (ShapeError, "out must have shape", lambda: K.gradient_array(x, "relu", x, out=y)),
    ):
        with pytest.raises(error, match=match):
            call()
