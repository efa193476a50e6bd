"""The search for NaN and infinity."""

from __future__ import annotations

import numpy as np
import pytest

from darkpy.engine.finite import first_not_finite

STRETCH = 1 << 14
#: Everything else that a float can be.
GOOD = np.array([0, -0.0, 1e-45, -1e-38, 3.4028235e38, -3.4028235e38], np.float32)


@pytest.mark.parametrize("count", [0, 1, 7, STRETCH, STRETCH + 1, 9 * STRETCH + 5])
@pytest.mark.parametrize("offset", [0, 1])
def test_good_values_are_good(count: int, offset: int) -> None:
    memory = np.full(count + offset + 1, np.nan, np.float32)
    x = memory[offset : offset + count]
    x[...] = np.resize(GOOD, count)
    assert first_not_finite(x) is None


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "places",
    [(0,), (STRETCH - 1,), (STRETCH, STRETCH + 1), (8 * STRETCH, 3 * STRETCH + 2), (9 * STRETCH,)],
)
def test_the_first_bad_value_is_found(threads, bad: float, places: tuple[int, ...]) -> None:
    x = np.resize(GOOD, 9 * STRETCH + 1)
    x[list(places)] = bad
    for count in (1, 2, 7):
        threads(count)
        assert first_not_finite(x) == min(places)
