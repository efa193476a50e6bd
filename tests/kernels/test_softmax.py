"""Softmax of NumPy's arrays, and Darknet's calls of it."""

from __future__ import annotations

import numpy as np
import pytest
from draw import normal
from references import kernels as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_softmax_of_groups(every_simd, rng, groups, temperature):
    x = 3 * normal(rng, 5, 4, 7)
    y = K.softmax_cpu(x, groups=groups, temperature=temperature)
    n = 28 // groups
    arguments = n, 5, 28, groups, n, 1, temperature
    exact = reference.softmax_cpu(x, *arguments, np.zeros(x.size))
    np.testing.assert_allclose(y.ravel(), exact, rtol=128 * EPS)
    written = np.empty_like(x)
    darknet_calls.softmax_cpu(x, *arguments, written)
    np.testing.assert_array_equal(written, y)


@pytest.mark.parametrize("shape", [(2, 3), (3, 5, 1, 1), (2, 9, 7, 11), (1, 4, 2)])
def test_softmax_over_channels(every_simd, rng, shape):
    x = 3 * normal(rng, *shape)
    y = K.softmax_cpu(x, spatial=True)
    powers = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(y, powers / powers.sum(1, keepdims=True), rtol=64 * EPS)
    assert K.softmax_cpu(x, spatial=True, out=x) is x
    np.testing.assert_array_equal(x, y)


def test_softmax_of_what_is_not_finite(every_simd):
    x = np.zeros((4, 40), np.float32)
    x[0, 3], x[1, 39], x[2, 5] = np.nan, np.nan, -np.inf
    y = K.softmax_cpu(x)
    assert np.isnan(y[:2]).all()
    assert y[2, 5] == 0
    np.testing.assert_array_equal(np.delete(y[2], 5), np.float32(1) / np.float32(39))


@pytest.mark.parametrize("stride", [1, 3])
def test_darknets_call_of_strided_values(every_simd, rng, stride):
    x, out = normal(rng, 40), np.full(40, 7, np.float32)
    darknet_calls.softmax(x, 13, 2.0, stride, out)
    exact = reference.softmax(x, 13, 2.0, stride)
    np.testing.assert_allclose(out[: 13 * stride : stride], exact, rtol=32 * EPS)
    rest = np.ones(40, bool)
    rest[: 13 * stride : stride] = False
    np.testing.assert_array_equal(out[rest], 7)


def test_softmax_of_one_array(rng):
    x = normal(rng, 3, 4)
    exact = np.exp(x / 2.0) / np.exp(x / 2.0).sum()
    np.testing.assert_allclose(K.softmax(x, 2.0), exact, rtol=64 * EPS)


def test_same_bits_for_any_number_of_threads(every_simd, same_bits, rng):
    x = normal(rng, 3, 20, 33, 30)
    same_bits(lambda: [K.softmax_cpu(x, spatial=True), K.softmax_cpu(x, groups=20)])


def test_empty_arrays_stay_empty():
    x = np.empty((0, 3, 2, 2), np.float32)
    for result in (
        K.softmax_cpu(x),
        K.softmax(x),
    ):
        assert result.shape == x.shape


def test_bad_arguments_name_themselves():
    x = np.ones((2, 3), np.float32)
    for error, match, call in (
        (ArgumentError, "temp must not be 0", lambda: darknet_calls.softmax(x, 4, 0, 1, x)),
        (ArgumentError, "temperature must not be 0", lambda: K.softmax_cpu(x, temperature=0)),
        (ShapeError, "groups must divide", lambda: K.softmax_cpu(x, groups=2)),
        (ShapeError, "input must hold at least", lambda: darknet_calls.softmax(x, 4, 1.0, 2, x)),
    ):
        with pytest.raises(error, match=match):
            call()
