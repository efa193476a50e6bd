"""Softmax of groups of values, in the engine."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedVector
from references import losses as reference

from darkpy.engine.boundary import lib, struct

EPS = 2.0**-23


def softmax(x, y, rows, groups, size, temperature=1.0):
    args = {
        "x": x.pointer,
        "y": y.pointer,
        "rows": rows,
        "x_stride": groups * size,
        "y_stride": groups * size,
        "groups": groups,
        "group_stride": size,
        "group_size": size,
        "temperature": temperature,
    }
    assert lib.dk_softmax_forward(struct("dk_softmax", args)) == lib.DK_OK


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 1000])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 4.0])
def test_softmax(every_simd, rng, size, groups, temperature):
    x = GuardedVector(rng.normal(0, 5, (4, groups * size)))
    y = GuardedVector(np.full(x.values.shape, np.nan))
    softmax(x, y, 4, groups, size, temperature)
    exact = reference.softmax_forward(x.values, groups, temperature)
    depth = (x.values.max() - x.values.min()) / temperature
    np.testing.assert_allclose(y.values, exact, rtol=(8 + depth) * EPS)
    y.check()
    softmax(x, x, 4, groups, size, temperature)
    np.testing.assert_array_equal(x.values, y.values)


def test_softmax_of_far_apart_and_negative_values(every_simd):
    x = GuardedVector(np.array([[-1000, -1001, -2000], [3e38, 0, -3e38], [0, np.nan, 1]]))
    y = GuardedVector(np.zeros((3, 3)))
    softmax(x, y, 3, 1, 3)
    np.testing.assert_allclose(y.values[0], [1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0], rtol=1e-6)
    np.testing.assert_array_equal(y.values[1], [1, 0, 0])
    assert np.isnan(y.values[2]).all()


def test_no_group_is_refused():
    assert lib.dk_softmax_forward(struct("dk_softmax", {"groups": 0})) == lib.DK_BAD_SHAPE
