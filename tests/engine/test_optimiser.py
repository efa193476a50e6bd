"""Weight updates against float64, on every instruction set, in guarded memory."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedVector
from references import schedule as reference

from darkpy.engine.boundary import lib, struct
from darkpy.engine.enums import OPTIMISERS
from darkpy.engine.optimiser import update

SIZES = (1, 3, 4, 7, 8, 9, 15, 16, 17, 33, 10007)
RATE, DECAY, BATCH, STEP = 0.01, 0.003, 6, 3
B1, B2, EPS = 0.9, 0.999, 1e-6


def close(got, expected, scale=1.0):
    np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-6 * scale)


@pytest.mark.parametrize("n", SIZES)
def test_sgd_is_darknets(every_simd, rng, n):
    w, u = rng.normal(0, 1, n), rng.normal(0, 3, n)
    weights, updates = GuardedVector(w), GuardedVector(u)
    wanted = reference.sgd_update(w, u, RATE, BATCH, 0.9, DECAY)
    rates = {"rate": RATE / BATCH, "momentum": 0.9, "decay": DECAY * BATCH}
    assert update("sgd", weights.values, updates.values, **rates)
    for array, expected in zip((weights, updates), wanted, strict=True):
        array.check()
        close(array.values, expected, 3)


@pytest.mark.parametrize("n", SIZES)
def test_adam_is_darknets(every_simd, rng, n):
    w, u, m = rng.normal(0, 1, n), rng.normal(0, 3, n), rng.normal(0, 1, n)
    v = rng.uniform(0.1, 2, n)
    arrays = weights, updates, mean, square = [GuardedVector(a) for a in (w, u, m, v)]
    wanted = reference.adam_update(w, u, m, v, RATE, BATCH, DECAY, STEP, B1, B2, EPS)
    numbers = {"c1": 1 / (1 - B1**STEP), "c2": 1 / (1 - B2**STEP), "b1": B1, "b2": B2, "eps": EPS}
    state = mean.values, square.values
    rates = {"rate": RATE, "decay": DECAY * BATCH}
    assert update("adam", weights.values, updates.values, state, **rates, **numbers)
    for array in arrays:
        array.check()
    for array, expected in zip((weights, mean, square), wanted, strict=True):
        close(array.values, expected, 3)
    assert not updates.values.any()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_threads_do_not_change_a_bit(every_simd, same_bits, rng, name):
    n = 100_003  # several shares of 16,384
    start = [rng.normal(0, 1, n).astype(np.float32) for _ in range(3)]
    start.append(rng.uniform(0.1, 2, n).astype(np.float32))
    numbers = {"rate": RATE, "decay": DECAY, "momentum": 0.9, "b1": B1, "b2": B2, "eps": EPS}

    def run():
        w, u, *state = (array.copy() for array in start)
        assert update(name, w, u, state, c1=3.7, c2=333.7, **numbers)
        assert not np.array_equal(w, start[0])
        return w, u, *state

    same_bits(run)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("n", [1, 17, 40_000])
def test_a_weight_that_is_not_finite_is_told(every_simd, rng, name, n):
    for at, value in ((0, np.nan), (n - 1, np.inf), (n // 2, -np.inf)):
        w, u, m, v = (rng.uniform(0.1, 1, n).astype(np.float32) for _ in range(4))
        numbers = {"rate": RATE, "b1": B1, "b2": B2, "c1": 3.7, "c2": 333.7, "eps": EPS}
        w[at] = value
        assert not update(name, w, u, (m, v), **numbers)


def test_what_c_refuses():
    assert lib.dk_update(struct("dk_update", {"n": -1})) == lib.DK_BAD_SHAPE
    for number in (-1, lib.DK_OPTIMISER_COUNT):
        wrong = struct("dk_update", {"optimiser": number})
        assert lib.dk_update(wrong) == lib.DK_BAD_ARGUMENT
