"""Weight updates against float64, on every instruction set, in guarded memory."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedVector
from references import schedule as reference

from darkpy.engine.boundary import lib, null, pointer, struct
from darkpy.engine.enums import OPTIMISERS
from darkpy.engine.optimiser import update
from darkpy.errors import ShapeError
from darkpy.network.optimisers import optimiser_class

SIZES = (1, 3, 4, 7, 8, 9, 15, 16, 17, 33, 10007)
RATE, DECAY, BATCH, STEP = 0.01, 0.003, 6, 3
B1, B2, EPS = 0.9, 0.999, 1e-6
SHARE = 1 << 14  # what a thread takes at a time
#: What any optimiser may read.
NUMBERS = {"rate": RATE, "decay": DECAY, "momentum": 0.9, "b1": B1, "b2": B2, "eps": EPS}
NUMBERS |= {"c1": 1 / (1 - B1**STEP), "c2": 1 / (1 - B2**STEP)}


def drawn(n):
    """Weights, updates and the most arrays of its own that an optimiser has: always the same."""
    rng = np.random.default_rng(n)
    w, u = (rng.normal(size=n).astype(np.float32) for _ in range(2))
    # Means of squares are not negative, and which of the arrays is one differs.
    return w, u, [rng.uniform(0.1, 2, n).astype(np.float32) for _ in range(2)]


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
    state = mean.values, square.values
    numbers = NUMBERS | {"decay": DECAY * BATCH}
    assert update("adam", weights.values, updates.values, state, **numbers)
    for array in arrays:
        array.check()
    for array, expected in zip((weights, mean, square), wanted, strict=True):
        close(array.values, expected, 3)
    assert not updates.values.any()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_threads_do_not_change_a_bit(every_simd, same_bits, name):
    def run():
        w, u, state = drawn(6 * SHARE + 33)
        start = w.copy()
        assert update(name, w, u, state, **NUMBERS)
        assert not np.array_equal(w, start)
        return w, u, *state

    same_bits(run)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_weight_is_alone(every_simd, name):
    # Borders of vectors and of threads' shares change no bit, nor does a neighbour.
    n, share = 2 * SHARE + 33, SHARE + 5
    whole, parts = (drawn(n), drawn(n))
    assert update(name, *whole, **NUMBERS)
    for part in (slice(0, 1), slice(1, share), slice(share, n)):
        w, u, state = parts
        assert update(name, w[part], u[part], [array[part] for array in state], **NUMBERS)
    for got, expected in zip((*parts[:2], *parts[2]), (*whole[:2], *whole[2]), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["weights", "updates"])
def test_a_value_that_is_not_finite_is_told_anywhere(every_simd, name, value, place):
    n = 2 * SHARE + 33
    good = drawn(n)
    assert update(name, *good, **NUMBERS)
    for at in (0, 5, 15, 16, SHARE - 1, SHARE, n - 2, n - 1):
        w, u, state = drawn(n)
        (w if place == "weights" else u)[at] = value
        # An infinite gradient is an infinite square for Adam: a step of inf / inf.
        assert not update(name, w, u, state, **NUMBERS)
        assert np.flatnonzero(~np.isfinite(w)).tolist() == [at]
        others = np.arange(n) != at
        np.testing.assert_array_equal(w[others], good[0][others])  # all are written nevertheless


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_overflow_is_told_and_large_weights_are_not(every_simd, name):
    largest = np.finfo(np.float32).max
    for rate, is_finite in ((0.0, True), (largest, False)):
        w, u, state = drawn(37)
        w[20] = largest
        u[20] = 1e3
        assert update(name, w, u, state, **(NUMBERS | {"rate": rate, "decay": 0.0})) == is_finite
        assert np.isinf(w[20]) != is_finite


@pytest.mark.parametrize("name", OPTIMISERS)
def test_no_values_are_no_mistake(name):
    assert update(name, *drawn(0), **NUMBERS)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_arrays_of_other_sizes_are_refused(name):
    w, u, state = drawn(8)
    with pytest.raises(ShapeError, match=f"{name} needs updates and state of 8 values"):
        update(name, w, u[:7], state, rate=RATE)
    with pytest.raises(ShapeError, match="of 8 values"):
        update(name, w, u, [*state, w[:7]], rate=RATE)


def test_what_c_refuses():
    assert lib.dk_update(struct("dk_update", {"n": -1})) == lib.DK_BAD_SHAPE
    for number in (-1, lib.DK_OPTIMISER_COUNT):
        wrong = struct("dk_update", {"optimiser": number})
        assert lib.dk_update(wrong) == lib.DK_BAD_ARGUMENT


@pytest.mark.parametrize("name", OPTIMISERS)
def test_c_refuses_null(name):
    w, u, state = drawn(3)
    arrays = {"weights": pointer(w), "updates": pointer(u), "state": [pointer(a) for a in state]}
    fields = {"optimiser": OPTIMISERS.index(name), "n": 3, **NUMBERS}
    absent = [{"weights": null}, {"updates": null}]
    absent += [{"state": arrays["state"][:k]} for k in range(len(optimiser_class(name).state))]
    for field in absent:
        wrong = struct("dk_update", fields | arrays | field)
        assert lib.dk_update(wrong) == lib.DK_BAD_ARGUMENT
    assert lib.dk_update(struct("dk_update", fields | arrays)) == lib.DK_OK
