"""Rounding to pairs of bf16."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedTensor
from needs import needs_bf16
from pairs import halves, rounded, to_pairs

from darkpy.engine.boundary import lib, struct


@needs_bf16
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 65])
@pytest.mark.parametrize("gap", [0, 3])
def test_rounding_of_tensors(rng, channels, gap):
    x = rng.standard_normal((2, 3, 5, channels), np.float32)
    x *= np.exp(rng.uniform(-80, 80, x.shape)).astype(np.float32)
    x[0, 0, 0, 0] = 1 + 2.0**-8  # half way: to even
    x[0, 0, 1, -1] = 1 + 3 * 2.0**-8
    x[0, 1, 0, 0] = -0.0
    x[0, 1, 1, 0] = 1e-39
    got = halves(to_pairs(x, gap).values)
    np.testing.assert_array_equal(got[..., :channels], rounded(x))
    assert (got[..., channels:] == 0).all()


@needs_bf16
def test_rounding_of_values_that_are_not_finite():
    x = np.array([np.nan, np.inf, -np.inf, 3.4e38], np.float32).reshape(1, 1, 1, 4)
    np.testing.assert_array_equal(
        halves(to_pairs(x).values).ravel(), np.array([np.nan, np.inf, -np.inf, np.inf], np.float32)
    )


@needs_bf16
def test_other_sizes_are_refused():
    y = GuardedTensor(np.zeros((1, 2, 2, 3)))
    args = struct("dk_round_bf16", {"x": y.struct, "y": y.struct})
    assert lib.dk_round_bf16(args) == lib.DK_BAD_SHAPE
