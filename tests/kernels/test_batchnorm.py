"""The steps of batch normalisation on NumPy's arrays, and Darknet's calls of them."""

from __future__ import annotations

import numpy as np
import pytest
from filter_arrays import SHAPES, layout, vectors
from guarded import GuardedVector
from references import kernels as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, DTypeError, ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23


def closes(actual, exact, limit):
    assert actual.dtype == np.float32
    assert (abs(actual.ravel() - np.ravel(exact)) <= limit).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_sums(every_simd, rng, shape):
    sizes, filters = layout(shape), shape[1]
    x, d = (GuardedVector(rng.normal(1, 2, shape)) for _ in range(2))
    mean, variance, old, _ = vectors(rng, filters)
    count = sizes[0] * sizes[2]
    limit = 64 * EPS * (np.sqrt(count) + 1) * 8
    exact_mean = reference.mean_cpu(x.values, *sizes)
    closes(K.mean_cpu(x.values), exact_mean, limit / count)
    exact = reference.variance_cpu(x.values, mean, *sizes)
    closes(K.variance_cpu(x.values, mean), exact, limit * 4 / max(count - 1, 1))
    exact = reference.backward_scale_cpu(x.values, d.values, *sizes, old)
    closes(K.backward_scale_cpu(x.values, d.values, out=old.copy()), exact, limit * 4)
    exact = reference.mean_delta_cpu(d.values, variance, *sizes)
    closes(K.mean_delta_cpu(d.values, variance), exact, limit * 2)
    exact = reference.variance_delta_cpu(x.values, d.values, mean, variance, *sizes)
    closes(K.variance_delta_cpu(x.values, d.values, mean, variance), exact, limit * 16)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s[0] * int(np.prod(s[2:])) > 1])
def test_small_integers_are_summed_exactly(every_simd, rng, shape):
    x, d = (rng.integers(-8, 9, shape).astype(np.float32) for _ in range(2))
    sizes, zero = layout(shape), np.zeros(shape[1], np.float32)
    exact = reference.backward_scale_cpu(x, d, *sizes, zero).astype(np.float32)
    np.testing.assert_array_equal(K.backward_scale_cpu(x, d), exact)
    exact = reference.variance_cpu(x, zero, *sizes).astype(np.float32)
    np.testing.assert_array_equal(K.variance_cpu(x, zero), exact)


@pytest.mark.parametrize("shape", SHAPES)
def test_maps_apart_and_in_place(every_simd, rng, shape):
    sizes, filters = layout(shape), shape[1]
    values, x = rng.normal(1, 2, shape), GuardedVector(rng.normal(1, 2, shape)).values
    mean, variance, a, b = vectors(rng, filters)
    moved = np.asarray(values, np.float32)
    cases = {
        "normalize_cpu": ((mean, variance), reference.normalize_cpu(moved, mean, variance, *sizes)),
        "normalize_delta_cpu": (
            (x, mean, variance, a, b),
            reference.normalize_delta_cpu(x, mean, variance, a, b, *sizes, moved),
        ),
    }
    for name, (others, exact) in cases.items():
        memory = GuardedVector(values)
        first = (
            (*others, memory.values) if name == "normalize_delta_cpu" else (memory.values, *others)
        )
        kernel = getattr(K, name)
        new = kernel(*first)
        closes(new, exact, 32 * EPS * (1 + abs(np.ravel(exact))))
        np.testing.assert_array_equal(memory.values, moved)
        assert kernel(*first, out=memory.values) is memory.values
        np.testing.assert_array_equal(memory.values, new)
        memory.check()


@pytest.mark.parametrize("shape", SHAPES)
def test_darknets_calls_write_in_place(every_simd, rng, shape):
    sizes, filters = layout(shape), shape[1]
    x, d = (rng.normal(1, 2, shape).astype(np.float32) for _ in range(2))
    mean, variance, a, b = vectors(rng, filters)
    for name, before, new in (
        ("mean_cpu", (x, *sizes), K.mean_cpu(x)),
        ("variance_cpu", (x, mean, *sizes), K.variance_cpu(x, mean)),
        ("mean_delta_cpu", (d, variance, *sizes), K.mean_delta_cpu(d, variance)),
        (
            "variance_delta_cpu",
            (x, d, mean, variance, *sizes),
            K.variance_delta_cpu(x, d, mean, variance),
        ),
        ("backward_scale_cpu", (x, d, *sizes), K.backward_scale_cpu(x, d, out=a.copy())),
    ):
        written = GuardedVector(a)
        getattr(darknet_calls, name)(*before, written.values)
        np.testing.assert_array_equal(written.values, new)
        written.check()
    for name, before, after, new in (
        ("normalize_cpu", (), (mean, variance, *sizes), K.normalize_cpu(d, mean, variance)),
        (
            "normalize_delta_cpu",
            (x, mean, variance, a, b, *sizes),
            (),
            K.normalize_delta_cpu(x, mean, variance, a, b, d),
        ),
    ):
        written = GuardedVector(d)
        getattr(darknet_calls, name)(*before, written.values, *after)
        np.testing.assert_array_equal(written.values, new)
        written.check()


def test_empty_arrays_do_what_numpy_does():
    x, vector = np.empty((0, 3, 2, 2), np.float32), np.ones(3, np.float32)
    assert np.isnan(K.mean_cpu(x)).all()
    assert np.isnan(K.variance_cpu(x, vector)).all()
    np.testing.assert_array_equal(K.backward_scale_cpu(x, x), 0)
    np.testing.assert_array_equal(K.mean_delta_cpu(x, vector), 0)
    np.testing.assert_array_equal(K.variance_delta_cpu(x, x, vector, vector), 0)
    for result in (
        K.normalize_cpu(x, vector, vector),
        K.normalize_delta_cpu(x, *[vector] * 4, x),
    ):
        assert result.shape == x.shape


def test_one_value_has_variance_zero():
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(K.variance_cpu(x, K.mean_cpu(x)), 0)


def test_bad_arguments_name_themselves():
    x, vector = np.ones((2, 3), np.float32), np.ones(3, np.float32)
    for error, match, call in (
        (DTypeError, "x must be", lambda: K.mean_cpu(x.astype(float))),
        (ShapeError, r"x must have shape \(batch, filters, ...\)", lambda: K.mean_cpu(vector)),
        (ShapeError, "mean must have shape", lambda: K.variance_cpu(x, np.ones(2, np.float32))),
        (ShapeError, "x must be C-contiguous", lambda: K.mean_cpu(x.T)),
        (
            ShapeError,
            "out must not share memory with mean",
            lambda: K.variance_cpu(x, vector, out=vector),
        ),
        (ShapeError, "out must not share memory with x", lambda: K.mean_cpu(x, out=x[0])),
        (
            ArgumentError,
            "variant must be one of",
            lambda: K.normalize_cpu(x, vector, vector, variant="x"),
        ),
        (
            ShapeError,
            "x must hold at least 8",
            lambda: darknet_calls.mean_cpu(x, 2, 4, 1, np.ones(4, np.float32)),
        ),
        (
            ShapeError,
            "mean must hold at least 3",
            lambda: darknet_calls.mean_cpu(x, 2, 3, 1, vector[:2]),
        ),
        (ArgumentError, "batch must be", lambda: darknet_calls.mean_cpu(x, 0, 3, 1, vector)),
    ):
        with pytest.raises(error, match=match):
            call()
    frozen = np.ones(3, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ShapeError, match="out must be writable"):
        K.mean_cpu(x, out=frozen)


@pytest.mark.parametrize("shape", [(3000, 70), (7, 6, 50, 50)])
def test_same_bits_for_any_number_of_threads(every_simd, same_bits, rng, shape):
    x, d = (rng.normal(size=shape).astype(np.float32) for _ in range(2))

    def run():
        mean = K.mean_cpu(x)
        variance = K.variance_cpu(x, mean)
        sums = K.mean_delta_cpu(d, variance), K.variance_delta_cpu(x, d, mean, variance)
        apart = (
            K.normalize_cpu(x, mean, variance),
            K.normalize_delta_cpu(x, mean, variance, *sums, d),
        )
        return [mean, variance, *sums, *apart, K.backward_scale_cpu(x, d)]

    same_bits(run)
