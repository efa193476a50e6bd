"""Dropout on NumPy's arrays."""

from __future__ import annotations

import numpy as np
import pytest

import darkpy.kernels as K
from darkpy.errors import ArgumentError

EPS = 2.0**-23


def test_mask_and_its_way_back(every_simd, rng):
    x = 1 + rng.random((3, 5, 7, 11), np.float32)
    y, seed = K.dropout_forward(x, 0.25, np.random.default_rng(1))
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / 0.75, rtol=2 * EPS)
    assert abs(kept.mean() - 0.75) < 4 * np.sqrt(0.25 * 0.75 / x.size)
    delta = K.dropout_backward(x, 0.25, seed)
    np.testing.assert_array_equal(delta, y)
    total = K.dropout_backward(x, 0.25, seed, out=x.copy())
    np.testing.assert_allclose(total, x + y, rtol=2 * EPS)


def test_generator_decides(rng):
    x = np.ones(1000, np.float32)
    masks = [K.dropout_forward(x, 0.5, np.random.default_rng(s))[0] for s in (1, 1, 2)]
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0] != masks[2]).any()
    y, seed = K.dropout_forward(x, 0.5, 17)
    assert seed == 17
    assert K.dropout_forward(x, 0.5, 17, out=x)[0] is x
    np.testing.assert_array_equal(x, y)


def test_bad_arguments():
    x = np.ones(4, np.float32)
    with pytest.raises(ArgumentError, match="probability"):
        K.dropout_forward(x, 1.5, 0)
    with pytest.raises(ArgumentError, match="generator"):
        K.dropout_forward(x, 0.5, -1)
    assert K.dropout_forward(x[:0], 0.5, 0)[0].shape == (0,)


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = rng.normal(size=(3, 16, 60, 61)).astype(np.float32)
    same_bits(lambda: [K.dropout_forward(x, 0.4, 5)[0]])
