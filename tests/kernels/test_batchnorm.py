"""Batch normalisation's NumPy faces and flat forms against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest
from references import batchnorm as fused_reference
from references import kernels as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, DTypeError, ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23
SHAPES = [
    (1, 1),
    (5, 3),
    (37, 40),
    (300, 18),
    (600, 530),
    (1, 2, 1, 3),
    (3, 5, 7, 7),
    (2, 16, 9, 5),
    (2, 33, 28, 28),
    (1, 3, 80, 81),
    (2, 3, 4, 5, 6),
]


class Memory:
    """An array one float off alignment, canaries around it."""

    def __init__(self, values):
        values = np.asarray(values, np.float32)
        self.block = np.full(values.size + 9, -777.25, np.float32)
        self.array = self.block[1 : values.size + 1].reshape(values.shape)
        self.array[...] = values

    def check(self):
        assert self.block[0] == -777.25
        assert (self.block[self.array.size + 1 :] == -777.25).all()


def layout(shape):
    return shape[0], shape[1], int(np.prod(shape[2:]))


def vectors(rng, filters):
    """mean, variance and two more vectors, misaligned."""
    drawn = rng.normal(0, 1, filters), rng.uniform(0.3, 2, filters), *rng.normal(size=(2, filters))
    return [Memory(values).array for values in drawn]


def closes(actual, exact, limit):
    assert actual.dtype == np.float32
    assert (abs(actual.ravel() - np.ravel(exact)) <= limit).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_sums(every_simd, rng, shape):
    sizes, filters = layout(shape), shape[1]
    x, d = (Memory(rng.normal(1, 2, shape)) for _ in range(2))
    mean, variance, old, _ = vectors(rng, filters)
    count = sizes[0] * sizes[2]
    limit = 64 * EPS * (np.sqrt(count) + 1) * 8
    exact_mean = reference.mean_cpu(x.array, *sizes)
    closes(K.mean_cpu(x.array), exact_mean, limit / count)
    exact = reference.variance_cpu(x.array, mean, *sizes)
    closes(K.variance_cpu(x.array, mean), exact, limit * 4 / max(count - 1, 1))
    exact = reference.backward_bias(old, d.array, *sizes)
    closes(K.backward_bias(d.array, out=old.copy()), exact, limit)
    exact = reference.backward_scale_cpu(x.array, d.array, *sizes, old)
    closes(K.backward_scale_cpu(x.array, d.array, out=old.copy()), exact, limit * 4)
    exact = reference.mean_delta_cpu(d.array, variance, *sizes)
    closes(K.mean_delta_cpu(d.array, variance), exact, limit * 2)
    exact = reference.variance_delta_cpu(x.array, d.array, mean, variance, *sizes)
    closes(K.variance_delta_cpu(x.array, d.array, mean, variance), exact, limit * 16)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s[0] * int(np.prod(s[2:])) > 1])
def test_small_integers_are_summed_exactly(every_simd, rng, shape):
    x, d = (rng.integers(-8, 9, shape).astype(np.float32) for _ in range(2))
    sizes, zero = layout(shape), np.zeros(shape[1], np.float32)
    exact = reference.backward_bias(zero, d, *sizes).astype(np.float32)
    np.testing.assert_array_equal(K.backward_bias(d), exact)
    exact = reference.backward_scale_cpu(x, d, *sizes, zero).astype(np.float32)
    np.testing.assert_array_equal(K.backward_scale_cpu(x, d), exact)
    exact = reference.variance_cpu(x, zero, *sizes).astype(np.float32)
    np.testing.assert_array_equal(K.variance_cpu(x, zero), exact)


@pytest.mark.parametrize("shape", SHAPES)
def test_maps_apart_and_in_place(every_simd, rng, shape):
    sizes, filters = layout(shape), shape[1]
    values, x = rng.normal(1, 2, shape), Memory(rng.normal(1, 2, shape)).array
    mean, variance, a, b = vectors(rng, filters)
    moved = np.asarray(values, np.float32)
    cases = {
        "normalize_cpu": ((mean, variance), reference.normalize_cpu(moved, mean, variance, *sizes)),
        "add_bias": ((a,), reference.add_bias(moved, a, *sizes)),
        "scale_bias": ((a,), reference.scale_bias(moved, a, *sizes)),
        "normalize_delta_cpu": (
            (x, mean, variance, a, b),
            reference.normalize_delta_cpu(x, mean, variance, a, b, *sizes, moved),
        ),
    }
    for name, (others, exact) in cases.items():
        memory = Memory(values)
        first = (
            (*others, memory.array) if name == "normalize_delta_cpu" else (memory.array, *others)
        )
        kernel = getattr(K, name)
        new = kernel(*first)
        closes(new, exact, 32 * EPS * (1 + abs(np.ravel(exact))))
        np.testing.assert_array_equal(memory.array, moved)
        assert kernel(*first, out=memory.array) is memory.array
        np.testing.assert_array_equal(memory.array, new)
        memory.check()


@pytest.mark.parametrize("shape", SHAPES)
def test_flat_forms_write_in_place(every_simd, rng, shape):
    sizes, filters = layout(shape), shape[1]
    x, d = (rng.normal(1, 2, shape).astype(np.float32) for _ in range(2))
    mean, variance, a, b = vectors(rng, filters)
    for name, before, after, new in (
        ("mean_cpu", (x, *sizes), (), K.mean_cpu(x)),
        ("variance_cpu", (x, mean, *sizes), (), K.variance_cpu(x, mean)),
        ("mean_delta_cpu", (d, variance, *sizes), (), K.mean_delta_cpu(d, variance)),
        (
            "variance_delta_cpu",
            (x, d, mean, variance, *sizes),
            (),
            K.variance_delta_cpu(x, d, mean, variance),
        ),
        ("backward_scale_cpu", (x, d, *sizes), (), K.backward_scale_cpu(x, d, out=a.copy())),
        ("backward_bias", (), (d, *sizes), K.backward_bias(d, out=a.copy())),
    ):
        written = Memory(a)
        getattr(darknet_calls, name)(*before, written.array, *after)
        np.testing.assert_array_equal(written.array, new)
        written.check()
    for name, before, after, new in (
        ("normalize_cpu", (), (mean, variance, *sizes), K.normalize_cpu(d, mean, variance)),
        ("add_bias", (), (a, *sizes), K.add_bias(d, a)),
        ("scale_bias", (), (a, *sizes), K.scale_bias(d, a)),
        (
            "normalize_delta_cpu",
            (x, mean, variance, a, b, *sizes),
            (),
            K.normalize_delta_cpu(x, mean, variance, a, b, d),
        ),
    ):
        written = Memory(d)
        getattr(darknet_calls, name)(*before, written.array, *after)
        np.testing.assert_array_equal(written.array, new)
        written.check()


FORMS = {"pjreddie-cpu": "pjreddie", "alexeyab": "alexeyab", "cudnn": "cudnn"}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("variant", FORMS)
def test_the_fused_pair(every_simd, rng, shape, variant):
    form, filters = FORMS[variant], shape[1]
    x, scales, biases = rng.normal(3, 2, shape), rng.normal(1, 1, filters), rng.normal(size=filters)
    x, scales, biases = (a.astype(np.float32) for a in (x, scales, biases))
    rolling = [rng.normal(size=filters).astype(np.float32) for _ in range(2)]
    before = [r.copy() for r in rolling]
    y, mean, variance = K.batchnorm_forward(x, scales, biases, *rolling, variant=variant)
    exact, x_hat, exact_mean, exact_variance = fused_reference.batchnorm_forward_train(
        x, scales, biases, form
    )
    np.testing.assert_allclose(mean, exact_mean, rtol=8 * EPS, atol=8 * EPS)
    np.testing.assert_allclose(variance, exact_variance, rtol=64 * EPS, atol=1e-11)
    for r, b, new in zip(rolling, before, (exact_mean, exact_variance), strict=True):
        expected = fused_reference.rolling_update(b, new)
        np.testing.assert_allclose(r, expected, rtol=8 * EPS, atol=8 * EPS)
    size = (1 + abs(scales)) * np.maximum(1, 1 / np.sqrt(exact_variance + 1e-5))
    wide = size.reshape(1, -1, *([1] * (len(shape) - 2)))
    assert (abs(y - exact) <= 128 * EPS * wide * 4).all()

    delta = rng.normal(0, 1, shape).astype(np.float32)
    old = [rng.normal(size=filters).astype(np.float32) for _ in range(2)]
    updates = [u.copy() for u in old]
    dx, scale_updates, bias_updates = K.batchnorm_backward(
        x,
        delta,
        scales,
        mean,
        variance,
        scale_updates=updates[0],
        bias_updates=updates[1],
        variant=variant,
    )
    if variant == "cudnn":
        grad = fused_reference.batchnorm_backward_exact(delta, x_hat, exact_variance, scales)
    else:
        grad = fused_reference.batchnorm_backward(
            delta, x, x_hat, exact_mean, exact_variance, scales
        )
    count = x.size / filters
    limit = 64 * EPS * np.sqrt(count) * 4
    assert scale_updates is updates[0]
    np.testing.assert_allclose(scale_updates, old[0] + grad[1], atol=limit * size.max())
    np.testing.assert_allclose(bias_updates, old[1] + grad[2], atol=limit)
    assert (abs(dx - grad[0]) <= 256 * EPS * wide**2 * 4).all()
    in_place = delta.copy()
    K.batchnorm_backward(x, in_place, scales, mean, variance, variant=variant, out=in_place)
    np.testing.assert_array_equal(in_place, dx)


def test_inference_uses_the_rolling_statistics(every_simd, rng):
    for shape in [(4, 6), (2, 6, 5, 5)]:
        x = rng.normal(size=shape).astype(np.float32)
        mean, variance, scales, biases = vectors(rng, 6)
        kept = mean.copy(), variance.copy()
        y, *used = K.batchnorm_forward(x, scales, biases, mean, variance, train=False)
        exact = fused_reference.batchnorm_forward_inference(x, scales, biases, mean, variance)
        np.testing.assert_allclose(y, exact, rtol=32 * EPS, atol=32 * EPS)
        for array, before, given in zip((mean, variance), kept, used, strict=True):
            np.testing.assert_array_equal(array, before)
            np.testing.assert_array_equal(given, before)


def test_the_fused_pair_is_the_single_steps(rng):
    x, delta = (rng.normal(2, 1, (3, 5, 6, 7)).astype(np.float32) for _ in range(2))
    scales, biases = (rng.normal(1, 1, 5).astype(np.float32) for _ in range(2))
    mean = K.mean_cpu(x)
    variance = K.variance_cpu(x, mean)
    x_norm = K.normalize_cpu(x, mean, variance)
    y = K.add_bias(K.scale_bias(x_norm, scales), biases)
    fused = K.batchnorm_forward(x, scales, biases)
    np.testing.assert_allclose(fused.output, y, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(fused.variance, variance, rtol=1e-5)
    d = K.scale_bias(delta, scales)
    mean_delta = K.mean_delta_cpu(d, variance)
    variance_delta = K.variance_delta_cpu(x, d, mean, variance)
    dx = K.normalize_delta_cpu(x, mean, variance, mean_delta, variance_delta, d)
    back = K.batchnorm_backward(x, delta, scales, mean, variance)
    np.testing.assert_allclose(back.delta, dx, atol=1e-5)
    np.testing.assert_allclose(back.bias_updates, K.backward_bias(delta), atol=1e-4)
    np.testing.assert_allclose(back.scale_updates, K.backward_scale_cpu(x_norm, delta), atol=1e-4)


def course_forward(x, gamma, beta, running_mean, running_var, mode, eps=1e-5, momentum=0.9):
    """CS231n's batch normalisation of (N, D), from its lecture's formulas."""
    if mode == "test":
        return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
    mu, var = x.mean(axis=0), x.var(axis=0)
    running_mean[...] = momentum * running_mean + (1 - momentum) * mu
    running_var[...] = momentum * running_var + (1 - momentum) * var
    return gamma * (x - mu) / np.sqrt(var + eps) + beta


def course_backward(dout, x, gamma, eps=1e-5):
    """CS231n's gradients through the computational graph."""
    n = len(x)
    mu, std = x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - mu) / std
    dx_hat = dout * gamma
    dvar = (dx_hat * (x - mu) * -0.5 * std**-3).sum(axis=0)
    dmu = (-dx_hat / std).sum(axis=0) + dvar * (-2 * (x - mu)).mean(axis=0)
    return dx_hat / std + dvar * 2 * (x - mu) / n + dmu / n, (dout * x_hat).sum(0), dout.sum(0)


def test_the_course_formulas_are_the_cudnn_variant(every_simd, rng):
    x = 5 * rng.normal(size=(200, 11)) + 12
    gamma, beta, dout = rng.normal(size=11), rng.normal(size=11), rng.normal(size=(200, 11))
    running = [np.zeros(11), np.zeros(11)]
    rolled = [np.zeros(11, np.float32), np.zeros(11, np.float32)]
    x32, gamma32, beta32, dout32 = (a.astype(np.float32) for a in (x, gamma, beta, dout))
    for _ in range(3):
        exact = course_forward(x, gamma, beta, *running, "train")
        y, mean, variance = K.batchnorm_forward(
            x32, gamma32, beta32, *rolled, rolling=0.1, variant="cudnn"
        )
        np.testing.assert_allclose(y, exact, atol=4e-6)
    np.testing.assert_allclose(rolled[0], running[0], rtol=4e-6)
    np.testing.assert_allclose(rolled[1], running[1], rtol=4e-6)
    y, *_ = K.batchnorm_forward(x32, gamma32, beta32, *rolled, train=False, variant="cudnn")
    np.testing.assert_allclose(y, course_forward(x, gamma, beta, *running, "test"), atol=1e-5)

    back = K.batchnorm_backward(x32, dout32, gamma32, mean, variance, variant="cudnn")
    for actual, exact in zip(back, course_backward(dout, x, gamma), strict=True):
        np.testing.assert_allclose(actual, exact, rtol=1e-5, atol=2e-5)


def test_the_course_formulas_are_the_darknet_variant_after_its_factors(every_simd, rng):
    """Divisor M-1 and sqrt(v) + 1e-6 instead of M and sqrt(v + 1e-5)."""
    x = 5 * rng.normal(size=(50, 7)) + 12
    gamma, beta = np.abs(rng.normal(size=7)) + 0.5, rng.normal(size=7)
    exact = course_forward(x, gamma, beta, np.zeros(7), np.zeros(7), "train")
    x32, gamma32, beta32 = (a.astype(np.float32) for a in (x, gamma, beta))
    y, _, variance = K.batchnorm_forward(x32, gamma32, beta32)
    np.testing.assert_allclose(variance * 49 / 50, x.var(axis=0), rtol=1e-5)
    factor = np.sqrt(x.var(axis=0) + 1e-5) / (np.sqrt(x.var(axis=0) * 50 / 49) + 1e-6)
    np.testing.assert_allclose(y, (exact - beta) * factor + beta, atol=1e-5)


def test_a_large_mean_costs_no_digits(every_simd, rng):
    for shape in [(4096, 3), (2, 3, 40, 40)]:
        x = rng.normal(1000, 1e-2, shape).astype(np.float32)
        exact = fused_reference.batch_statistics(x, "cudnn")
        ones = np.ones(3, np.float32)
        _, mean, variance = K.batchnorm_forward(x, ones, ones, variant="cudnn")
        np.testing.assert_allclose(mean, exact[0], rtol=2 * EPS)
        np.testing.assert_allclose(variance, exact[1], rtol=1e-4)


def test_same_bits_for_any_number_of_threads(every_simd, rng, threads):
    results = []
    for shape in [(3000, 70), (7, 6, 50, 50)]:
        x = rng.normal(size=shape).astype(np.float32)
        scales, biases = (rng.normal(size=shape[1]).astype(np.float32) for _ in range(2))
        results = []
        for count in (1, 2, 7):
            threads(count)
            y, mean, variance = K.batchnorm_forward(x, scales, biases)
            back = K.batchnorm_backward(x, y, scales, mean, variance)
            steps = K.mean_cpu(x), K.variance_cpu(x, mean), K.normalize_cpu(x, mean, variance)
            results.append([a.copy() for a in (y, mean, variance, *back, *steps)])
        for other in results[1:]:
            for left, right in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(left, right)


def test_empty_arrays_do_what_numpy_does():
    x, vector = np.empty((0, 3, 2, 2), np.float32), np.ones(3, np.float32)
    assert np.isnan(K.mean_cpu(x)).all()
    assert np.isnan(K.variance_cpu(x, vector)).all()
    np.testing.assert_array_equal(K.backward_bias(x), 0)
    np.testing.assert_array_equal(K.backward_scale_cpu(x, x), 0)
    np.testing.assert_array_equal(K.mean_delta_cpu(x, vector), 0)
    np.testing.assert_array_equal(K.variance_delta_cpu(x, x, vector, vector), 0)
    for result in (
        K.normalize_cpu(x, vector, vector),
        K.add_bias(x, vector),
        K.normalize_delta_cpu(x, *[vector] * 4, x),
    ):
        assert result.shape == x.shape
    rolling = 2 * vector, 3 * vector
    y, mean, variance = K.batchnorm_forward(x, vector, vector, *rolling)
    assert y.shape == x.shape and np.isnan([mean, variance]).all()
    np.testing.assert_array_equal(rolling, [2 * vector, 3 * vector])
    updates = vector.copy()
    result = K.batchnorm_backward(x, x, vector, vector, vector, scale_updates=updates)
    assert result.delta.shape == x.shape
    np.testing.assert_array_equal([updates, result.bias_updates], [vector, 0 * vector])


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
            ArgumentError,
            "rolling_mean must be given",
            lambda: K.batchnorm_forward(x, vector, vector, train=False),
        ),
        (
            ArgumentError,
            "rolling must be 0 to 1",
            lambda: K.batchnorm_forward(x, vector, vector, rolling=2),
        ),
        (
            ArgumentError,
            "epsilon must be 0 or more",
            lambda: K.batchnorm_forward(x, vector, vector, epsilon=-1),
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
