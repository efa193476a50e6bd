"""Dropout: a mask that is a function of seed, counter and position."""

from __future__ import annotations

import numpy as np
import pytest
from engine_call import Guarded, call, status

from darkpy.engine import simd
from darkpy.engine.boundary import lib

MASK64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def split_mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return z ^ (z >> 31)


def kept(shape, probability, seed, counter):
    """The documented generator, in Python integers."""
    batch, channels, height, width = shape
    pairs = (channels + 1) // 2
    start = (split_mix((seed + GOLDEN) & MASK64) + counter) & MASK64
    keep = np.empty((batch * height * width, channels), bool)
    for pixel in range(len(keep)):
        for c in range(channels):
            number = split_mix(((start + pixel * pairs + c // 2) * GOLDEN) & MASK64)
            half = number >> 32 if c % 2 else number & 0xFFFFFFFF
            keep[pixel, c] = half >> 8 >= int(probability * 2**24)
    return keep.reshape(batch, height, width, channels).transpose(0, 3, 1, 2)


def drop(x, y, probability=0.5, seed=1, counter=0, accumulate=0):
    fields = {"seed": seed, "counter": counter, "accumulate": accumulate}
    call("dk_dropout", "dk_dropout", x=x, y=y, probability=probability, **fields)


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize(("seed", "counter"), [(0, 0), (7, 12345), (MASK64, MASK64 - 3)])
@pytest.mark.parametrize("shape", [(2, 5, 3, 4), (1, 1, 1, 1), (2, 33, 1, 2), (3, 64, 1, 1)])
def test_mask(shape, seed, counter, accumulate, every_simd, rng):
    x, before = (rng.integers(1, 9, shape).astype(np.float32) for _ in range(2))
    y = Guarded(before)
    drop(Guarded(x), y, 0.75, seed, counter, accumulate)
    expected = np.where(kept(shape, 0.75, seed, counter), 4 * x, 0) + accumulate * before
    np.testing.assert_array_equal(y.nchw, expected)


def test_in_place_and_the_two_ends(every_simd, rng):
    x = rng.normal(size=(1, 37, 2, 2)).astype(np.float32)
    y = Guarded(x)
    drop(y, y, 0.0)
    np.testing.assert_array_equal(y.nchw, x)
    drop(y, y, 1.0)
    np.testing.assert_array_equal(y.nchw, np.zeros_like(x))


def test_share_of_dropped_values_and_independence(rng):
    """Four standard deviations of the binomial, for the share and for agreement with neighbours."""
    ones = Guarded(np.ones((64, 1024, 1, 1)), gap=0, offset=0)
    masks = []
    for seed, counter in ((3, 0), (4, 0), (3, 64 * 512)):
        y = Guarded.empty(ones.shape, gap=0, offset=0)
        drop(ones, y, 0.5, seed, counter)
        masks.append(y.nchw.ravel() > 0)
    bound = 4 * 0.5 / np.sqrt(masks[0].size)
    for mask in masks:
        assert abs(mask.mean() - 0.5) < bound
        for lag in (1, 2, 3, 16, 1024):
            assert abs((mask[lag:] == mask[:-lag]).mean() - 0.5) < bound * 1.1
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs((masks[a] == masks[b]).mean() - 0.5) < bound
    y = Guarded.empty(ones.shape, gap=0, offset=0)
    drop(ones, y, 0.2, 5)
    assert abs((y.nchw > 0).mean() - 0.8) < 4 * 0.4 / np.sqrt(y.nchw.size)
    np.testing.assert_allclose(y.nchw.max(), 1.25)


def test_threads_and_instruction_sets_change_no_bit(same_bits, rng):
    x = Guarded(rng.normal(size=(5, 67, 20, 20)))
    results = []
    before = simd.simd()
    for name in simd.available():
        simd.use(name)

        def run():
            y = Guarded.empty(x.shape)
            drop(x, y, 0.4, 11, 99)
            results.append(y.nchw.tobytes())
            return [y.nchw]

        same_bits(run)
    simd.use(before)
    assert len(set(results)) == 1


@pytest.mark.parametrize("probability", [-0.1, 1.1, np.nan])
def test_bad_probability_is_refused(probability):
    y = Guarded.empty((1, 2, 1, 1))
    fields = {"x": Guarded(np.ones(y.shape)), "y": y, "probability": probability}
    assert status("dk_dropout", "dk_dropout", **fields) == lib.DK_BAD_ARGUMENT
    assert np.isnan(y.nchw).all()
