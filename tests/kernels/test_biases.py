"""Biases and scales of filters on NumPy's arrays, and Darknet's calls of them."""

from __future__ import annotations

import numpy as np
import pytest
from draw import integers
from filter_arrays import layout
from guarded import GuardedVector
from references import kernels as reference

import darkpy.kernels as K
from darkpy.errors import ShapeError
from darkpy.kernels import darknet_calls

SHAPES = [(1, 1), (5, 3), (600, 530), (1, 2, 1, 3), (3, 5, 7, 7), (2, 33, 28, 28), (2, 3, 4, 5, 6)]


@pytest.mark.parametrize("name", ["add_bias", "scale_bias"])
@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_added_and_multiplied(every_simd, rng, shape, name):
    maps, vector = GuardedVector(integers(rng, shape)), GuardedVector(integers(rng, shape[1]))
    exact = getattr(reference, name)(maps.values, vector.values, *layout(shape)).reshape(shape)
    kernel, before = getattr(K, name), maps.values.copy()
    np.testing.assert_array_equal(kernel(maps.values, vector.values), exact)
    np.testing.assert_array_equal(maps.values, before)
    getattr(darknet_calls, name)(maps.values, vector.values, *layout(shape))
    np.testing.assert_array_equal(maps.values, exact)
    maps.values[...] = before
    assert kernel(maps.values, vector.values, out=maps.values) is maps.values
    np.testing.assert_array_equal(maps.values, exact)
    maps.check()
    vector.check()


@pytest.mark.parametrize("shape", SHAPES)
def test_updates_are_sums_of_deltas(every_simd, rng, shape):
    delta, updates = integers(rng, shape), GuardedVector(integers(rng, shape[1]))
    start = updates.values.copy()
    exact = reference.backward_bias(start, delta, *layout(shape))
    np.testing.assert_array_equal(K.backward_bias(delta), exact - start)
    np.testing.assert_array_equal(K.backward_bias(delta, out=start), exact)
    darknet_calls.backward_bias(updates.values, delta, *layout(shape))
    np.testing.assert_array_equal(updates.values, exact)
    updates.check()


def test_sums_of_real_values_do_not_depend_on_threads(every_simd, same_bits, rng):
    for shape in ((3000, 70), (7, 6, 50, 50)):
        delta = rng.normal(size=shape).astype(np.float32)
        same_bits(lambda delta=delta: [K.backward_bias(delta)])
        exact = delta.astype(np.float64).sum(axis=(0, *range(2, delta.ndim)))
        np.testing.assert_allclose(K.backward_bias(delta), exact, atol=1e-4)


def test_no_images():
    x, vector = np.empty((0, 3, 2, 2), np.float32), np.ones(3, np.float32)
    assert K.add_bias(x, vector).shape == K.scale_bias(x, vector).shape == x.shape
    np.testing.assert_array_equal(K.backward_bias(x), 0)


def test_bad_arguments_name_themselves():
    x, vector = np.ones((2, 3), np.float32), np.ones(4, np.float32)
    for match, call in (
        ("biases must have shape", lambda: K.add_bias(x, vector)),
        ("scales must have shape", lambda: K.scale_bias(x, vector)),
        ("biases must hold at least 3", lambda: darknet_calls.add_bias(x, vector[:2], 2, 3, 1)),
    ):
        with pytest.raises(ShapeError, match=match):
            call()
