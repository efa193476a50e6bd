"""The kernels, argument for argument, against the layers' references and small examples."""

from __future__ import annotations

import numpy as np
import pytest

from . import batchnorm as bn
from . import kernels as k
from . import losses, reorg, routing
from .convolution import convolution_backward, convolution_forward


def test_vectors_with_increments():
    x, y = [1.0, 2, 3, 4, 5], [10.0, 20, 30, 40, 50]
    assert k.const_cpu(2, 7, x, 3).tolist() == [7, 2, 3, 7, 5]
    assert k.copy_cpu(2, x, 2, y, 1).tolist() == [1, 3, 30, 40, 50]
    assert k.mul_cpu(2, x, 2, y, 3).tolist() == [10, 20, 30, 120, 50]
    assert k.pow_cpu(2, 2, x, 2, y, 1).tolist() == [1, 9, 30, 40, 50]
    assert k.axpy_cpu(3, 2, x, 1, y, 2).tolist() == [12, 20, 34, 40, 56]
    assert k.scal_cpu(2, 3, x, 2).tolist() == [3, 2, 9, 4, 5]
    assert k.scal_add_cpu(2, 3, 1, x, 2).tolist() == [4, 2, 10, 4, 5]
    assert k.dot_cpu(3, x, 2, y, 1) == 10 + 60 + 150
    assert k.constrain_cpu(5, 2, [-3, -1, 0, 2, 9]).tolist() == [-2, -1, 0, 2, 2]
    assert k.fix_nan_and_inf_cpu([np.nan, 1, -np.inf], 3).tolist() == [0, 1, 0]
    assert k.mult_add_into_cpu(2, [2, 3], [4, 5], [1, 1]).tolist() == [9, 16]
    assert x == [1, 2, 3, 4, 5]
    assert y == [10, 20, 30, 40, 50]


def test_weighted_sum():
    a, b, s = np.array([1.0, 2]), np.array([3.0, 5]), np.array([0.25, 0.5])
    assert k.weighted_sum_cpu(a, b, s, 2).tolist() == [2.5, 3.5]
    assert k.weighted_sum_cpu(a, None, s, 2).tolist() == [0.25, 1]
    da, db, ds = k.weighted_delta_cpu(a, b, s, [1, 1], None, [0, 0], 2, [4, 4])
    assert (da.tolist(), db, ds.tolist()) == ([2, 3], None, [-8, -12])


def test_inter_and_deinter_go_back(rng):
    x, y = rng.standard_normal(6), rng.standard_normal(4)
    out = k.inter_cpu(3, x, 2, y, 2)
    assert out[:5].tolist() == [*x[:3], *y[:2]]
    x2, y2 = k.deinter_cpu(3, x, 2, None, 2, out)
    assert (x2 == 2 * x).all()
    assert y2 is None


@pytest.mark.parametrize(
    "kernel, layer",
    [(k.l2_cpu, "sse"), (k.l1_cpu, "L1"), (k.smooth_l1_cpu, "smooth")],
    ids=["l2", "l1", "smooth"],
)
def test_losses(rng, kernel, layer):
    p, t = 2 * rng.standard_normal(20), rng.standard_normal(20)
    loss, delta = losses.COSTS[layer](p, t)
    got_delta, error = kernel(20, p, t)
    np.testing.assert_allclose(error, loss)
    np.testing.assert_allclose(got_delta, delta)


def test_cross_entropies(rng):
    p, t = rng.uniform(0.1, 0.9, 6), np.array([0, 1.0, 0, 0.5, 0, 0])
    delta, error = k.softmax_x_ent_cpu(6, p, t)
    np.testing.assert_allclose(delta, t - p)
    np.testing.assert_allclose(error, [0, -np.log(p[1]), 0, -0.5 * np.log(p[3]), 0, 0])
    delta, error = k.logistic_x_ent_cpu(6, p, t)
    np.testing.assert_allclose(delta, t - p)
    np.testing.assert_allclose(error, losses.logistic_loss(p, t)[0])


def test_softmax_over_strided_groups(rng):
    x = rng.standard_normal((2, 3, 4))
    y = k.softmax_cpu(x, 3, 2, 12, 4, 1, 4, 2.0, np.zeros(24)).reshape(x.shape)
    powers = np.exp(x / 2)
    np.testing.assert_allclose(y, powers / powers.sum(1, keepdims=True))


def test_reorg_and_flatten(rng):
    x = rng.standard_normal((2, 8, 4, 6))
    y = k.reorg_cpu(x, 6, 4, 8, 2, 2, False)
    np.testing.assert_array_equal(y, reorg.reorg_forward(x, 2).ravel())
    assert (k.reorg_cpu(y, 6, 4, 8, 2, 2, True) == x.ravel()).all()
    flat = k.flatten(x, 24, 8, 2, True)
    np.testing.assert_array_equal(flat, reorg.flatten_forward(x).ravel())
    assert (k.flatten(flat, 24, 8, 2, False) == x.ravel()).all()
    space = x.reshape(2, 8, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4)
    proper = k.reorg_cpu(x, 3, 2, 32, 2, 2, False)
    np.testing.assert_array_equal(proper, space.ravel())  # with the output's sizes


@pytest.mark.parametrize("previous, source", [((3, 2, 3), (4, 4, 6)), ((3, 4, 6), (2, 2, 3))])
def test_shortcut(rng, previous, source):
    out, add = rng.standard_normal((2, *previous)), rng.standard_normal((2, *source))
    (c2, h2, w2), (c1, h1, w1) = previous, source
    y = k.shortcut_cpu(2, w1, h1, c1, add, w2, h2, c2, 0.5, 3, out)
    np.testing.assert_allclose(y, routing.shortcut_forward(out, add, 0.5, 3).ravel())


def test_upsample(rng):
    x, out = rng.standard_normal((2, 3, 2, 4)), rng.standard_normal((2, 3, 6, 12))
    y = k.upsample_cpu(x, 4, 2, 3, 2, 3, True, 0.5, None)
    np.testing.assert_allclose(y, routing.upsample_forward(x, 3, 0.5).ravel())
    back = k.upsample_cpu(x, 4, 2, 3, 2, 3, False, 0.5, out)
    np.testing.assert_allclose(back, (x + routing.upsample_backward(out, 3, 0.5)).ravel())


def test_l2normalize(rng):
    x = rng.standard_normal((2, 3, 5))
    y, dx = k.l2normalize_cpu(x, None, 2, 3, 5)
    np.testing.assert_allclose(y, routing.l2norm_forward(x).ravel())
    length = np.sqrt((x * x).sum(1, keepdims=True))
    np.testing.assert_allclose(dx, ((1 - x / length) / length).ravel())


@pytest.mark.parametrize("form", ["pjreddie", "alexeyab"])
def test_batchnorm_kernels_chain_to_the_layer(rng, form):
    size = (4, 3, 6)
    x, delta = 3 + rng.standard_normal(size), rng.standard_normal(size)
    scales, biases = rng.uniform(0.5, 2, 3), rng.standard_normal(3)
    y, x_hat, mean, variance = bn.batchnorm_forward_train(x, scales, biases, form)
    np.testing.assert_allclose(k.mean_cpu(x, *size), mean)
    np.testing.assert_allclose(k.variance_cpu(x, mean, *size), variance)
    norm = k.normalize_cpu(x, mean, variance, *size, form)
    np.testing.assert_allclose(norm, x_hat.ravel())
    np.testing.assert_allclose(
        k.add_bias(k.scale_bias(norm, scales, *size), biases, *size), y.ravel()
    )
    expected = bn.batchnorm_backward(delta, x, x_hat, mean, variance, scales)
    np.testing.assert_allclose(k.backward_bias(np.ones(3), delta, *size), 1 + expected[2])
    ones = np.ones(3)
    np.testing.assert_allclose(k.backward_scale_cpu(norm, delta, *size, ones), 1 + expected[1])
    scaled = k.scale_bias(delta, scales, *size)
    by_mean = k.mean_delta_cpu(scaled, variance, *size)
    by_variance = k.variance_delta_cpu(x, scaled, mean, variance, *size)
    got = k.normalize_delta_cpu(x, mean, variance, by_mean, by_variance, *size, scaled)
    np.testing.assert_allclose(got, expected[0].ravel())


def test_binarize():
    w = np.array([[1.0, -3], [0, 4]])
    assert k.binarize_weights(w, 2, 2).tolist() == [2, -2, -2, 2]
    assert k.binarize_cpu(w, 4).tolist() == [1, -1, -1, 1]
    assert k.binarize_input(w, 2, 2).tolist() == [0.5, -3.5, -0.5, 3.5]


@pytest.mark.parametrize("size, stride, pad", [(3, 1, 1), (2, 2, 0), (3, 2, 2), (1, 1, 0)])
def test_a_convolution_from_columns(rng, size, stride, pad):
    x, w = rng.standard_normal((3, 5, 6)), rng.standard_normal((4, 3, size, size))
    y = convolution_forward(x[None], w, None, stride, pad)
    columns = k.im2col_cpu(x, 3, 5, 6, size, stride, pad)
    depth, pixels = 3 * size * size, y[0, 0].size
    product = k.gemm_cpu(
        0, 0, 4, pixels, depth, 1, w, depth, columns, pixels, 0, np.zeros(4 * pixels), pixels
    )
    np.testing.assert_allclose(product, y.ravel(), 1e-12, 1e-12)
    r = rng.standard_normal(y.shape)
    back = k.gemm_cpu(
        1, 0, depth, pixels, 4, 1, w, depth, r, pixels, 0, np.zeros(depth * pixels), pixels
    )
    image = k.col2im_cpu(back, 3, 5, 6, size, stride, pad, np.ones(90))
    expected = convolution_backward(r, x[None], w, stride, pad)[0]
    np.testing.assert_allclose(image, 1 + expected.ravel(), 1e-11, 1e-11)


def test_extended_columns_are_the_transpose_of_each_other(rng):
    geometry = (2, 6, 7, 3, 2, 2, 1, 2, 1, 2, 3)
    data = rng.standard_normal((2, 6, 7))
    columns = k.im2col_cpu_ext(data, *geometry)
    w = rng.standard_normal((1, 2, 3, 2))
    y = convolution_forward(data[None], w, None, (2, 1), (2, 1), (2, 3))
    np.testing.assert_allclose(w.reshape(1, -1) @ columns.reshape(12, -1), y.reshape(1, -1))
    r = rng.standard_normal(columns.shape)
    left, right = (columns * r).sum(), (data.ravel() * k.col2im_cpu_ext(r, *geometry)).sum()
    assert left == pytest.approx(right)


@pytest.mark.parametrize("ta", [0, 1])
@pytest.mark.parametrize("tb", [0, 1])
def test_gemm_with_wide_rows(rng, ta, tb):
    a = rng.standard_normal((5, 4) if ta else (3, 6))
    b = rng.standard_normal((2, 6) if tb else (5, 3))
    c = rng.standard_normal((3, 4))
    got = k.gemm_cpu(ta, tb, 3, 2, 5, 0.5, a, a.shape[1], b, b.shape[1], 2, c, 4).reshape(3, 4)
    left = a[:5, :3].T if ta else a[:3, :5]
    right = b[:2, :5].T if tb else b[:5, :2]
    np.testing.assert_allclose(got[:, :2], 0.5 * left @ right + 2 * c[:, :2])
    assert (got[:, 2:] == c[:, 2:]).all()


def test_activation_arrays():
    x = np.array([-2.0, 3, -4])
    y = k.activate_array(x, 2, "leaky")
    assert y.tolist() == [-0.2, 3, -4]
    assert k.gradient_array(y, 2, "leaky", [1, 1, 1]).tolist() == [0.1, 1, 1]
