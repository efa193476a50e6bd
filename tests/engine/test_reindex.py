"""Values taken from places of an image, and put back there."""

from __future__ import annotations

import numpy as np
import pytest
from draw import integers
from engine_call import call
from references import reorg


@pytest.mark.parametrize("accumulate", [0, 1])
def test_gather_and_scatter(accumulate, rng):
    # reorg's order, and the constant 0 of `extra`.
    count = 4 * 6 * 100
    order = reorg.reorg_forward(np.arange(count).reshape(1, 4, 6, 100), 2).ravel()
    index = np.concatenate([order, [-1, -1]]).astype(np.int32)[3:]
    x, y = integers(rng, (3, count)), integers(rng, (3, len(index)))
    args = {"batch": 3, "x_count": count, "y_count": len(index), "accumulate": accumulate}
    got = y.copy()
    call("dk_gather", "dk_reindex", x=x, y=got, index=index, **args)
    picked = np.where(index >= 0, x[:, index], 0)
    np.testing.assert_array_equal(got, picked + accumulate * y)
    got = x.copy()
    call("dk_scatter", "dk_reindex", x=got, y=y, index=index, **args)
    spread = np.zeros_like(x)
    spread[:, index[index >= 0]] = y[:, index >= 0]
    np.testing.assert_array_equal(got, spread + accumulate * x)
