"""Filters in the packed layout and back."""

from __future__ import annotations

import numpy as np
import pytest
from convolution_call import pack, unpack
from convolution_cases import CASES, Case
from draw import integers


@pytest.mark.parametrize("name", CASES)
def test_packed_filters_come_back(every_simd, rng, name):
    weights = integers(rng, CASES[name].weights_shape())
    np.testing.assert_array_equal(unpack(CASES[name], pack(CASES[name], weights)), weights)


@pytest.mark.parametrize(
    "case",
    [
        Case(1, 1, size=(1, 1)),
        Case(37, 16, size=(1, 1)),
        Case(300, 150, size=(1, 1)),
        Case(29, 70),
        Case(70, 129, size=(5, 5)),
        Case(3, 64, size=(7, 7)),
        Case(4, 19, size=(17, 17)),
        Case(24, 63, groups=3),
        Case(40, 40, groups=40),
    ],
    ids=lambda case: f"{case.filters}x{case.channels}x{case.size[0]}-{case.groups}",
)
def test_packing_fills_every_place(every_simd, same_bits, rng, case):
    weights = rng.normal(size=case.weights_shape()).astype(np.float32)
    packed = pack(case, weights)  # into NaN
    assert np.isfinite(packed.values).all()
    assert np.count_nonzero(packed.values) == weights.size
    assert unpack(case, packed).tobytes() == weights.tobytes()
    same_bits(lambda: [pack(case, weights).values])
