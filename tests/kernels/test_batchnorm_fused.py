"""Batch normalisation as a whole on NumPy's arrays, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
from filter_arrays import SHAPES, vectors
from references import batchnorm as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError

EPS = 2.0**-23


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
    exact, x_hat, exact_mean, exact_variance = reference.batchnorm_forward_train(
        x, scales, biases, form
    )
    np.testing.assert_allclose(mean, exact_mean, rtol=8 * EPS, atol=8 * EPS)
    np.testing.assert_allclose(variance, exact_variance, rtol=64 * EPS, atol=1e-11)
    for r, b, new in zip(rolling, before, (exact_mean, exact_variance), strict=True):
        expected = reference.rolling_update(b, new)
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
        grad = reference.batchnorm_backward_exact(delta, x_hat, exact_variance, scales)
    else:
        grad = reference.batchnorm_backward(delta, x, x_hat, exact_mean, exact_variance, scales)
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
        exact = reference.batchnorm_forward_inference(x, scales, biases, mean, variance)
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
        exact = reference.batch_statistics(x, "cudnn")
        ones = np.ones(3, np.float32)
        _, mean, variance = K.batchnorm_forward(x, ones, ones, variant="cudnn")
        np.testing.assert_allclose(mean, exact[0], rtol=2 * EPS)
        np.testing.assert_allclose(variance, exact[1], rtol=1e-4)


@pytest.mark.parametrize("shape", [(3000, 70), (7, 6, 50, 50)])
def test_same_bits_for_any_number_of_threads(every_simd, same_bits, rng, shape):
    x = rng.normal(size=shape).astype(np.float32)
    scales, biases = (rng.normal(size=shape[1]).astype(np.float32) for _ in range(2))

    def run():
        y, mean, variance = K.batchnorm_forward(x, scales, biases)
        return [y, mean, variance, *K.batchnorm_backward(x, y, scales, mean, variance)]

    same_bits(run)


def test_an_empty_batch_leaves_rolling_averages_and_updates_alone():
    x, vector = np.empty((0, 3, 2, 2), np.float32), np.ones(3, np.float32)
    rolling = 2 * vector, 3 * vector
    y, mean, variance = K.batchnorm_forward(x, vector, vector, *rolling)
    assert y.shape == x.shape and np.isnan([mean, variance]).all()
    np.testing.assert_array_equal(rolling, [2 * vector, 3 * vector])
    updates = vector.copy()
    result = K.batchnorm_backward(x, x, vector, vector, vector, scale_updates=updates)
    assert result.delta.shape == x.shape
    np.testing.assert_array_equal([updates, result.bias_updates], [vector, 0 * vector])


def test_bad_arguments_name_themselves():
    x, vector = np.ones((2, 3), np.float32), np.ones(3, np.float32)
    for match, options in (
        ("rolling_mean must be given", {"train": False}),
        ("rolling must be 0 to 1", {"rolling": 2}),
        ("epsilon must be 0 or more", {"epsilon": -1}),
    ):
        with pytest.raises(ArgumentError, match=match):
            K.batchnorm_forward(x, vector, vector, **options)
