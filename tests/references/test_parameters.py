"""Convolution, connected, local, batch norm: derivatives against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from . import batchnorm as bn
from .connected import connected_backward, connected_forward
from .convolution import convolution_backward, convolution_forward
from .local import local_backward, local_forward
from .numeric import assert_is_gradient


def naive_convolution(x, weights, stride, pad, dilation, groups):
    """The definition, one multiplication at a time."""
    batch, channels, height, width = x.shape
    filters, per_group, kernel_h, kernel_w = weights.shape
    out_h = (height + 2 * pad[0] - dilation[0] * (kernel_h - 1) - 1) // stride[0] + 1
    out_w = (width + 2 * pad[1] - dilation[1] * (kernel_w - 1) - 1) // stride[1] + 1
    y = np.zeros((batch, filters, out_h, out_w))
    for b, f, i, j in np.ndindex(*y.shape):
        first = f // (filters // groups) * (channels // groups)
        for c, u, v in np.ndindex(per_group, kernel_h, kernel_w):
            row = i * stride[0] - pad[0] + u * dilation[0]
            col = j * stride[1] - pad[1] + v * dilation[1]
            if 0 <= row < height and 0 <= col < width:
                y[b, f, i, j] += weights[f, c, u, v] * x[b, first + c, row, col]
    return y


CONVOLUTIONS = [
    # channels, filters, (kernel), (stride), (pad), (dilation), groups
    (3, 2, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (2, 4, (1, 1), (2, 2), (0, 0), (1, 1), 2),
    (4, 4, (3, 2), (2, 1), (1, 2), (1, 1), 4),
    (2, 3, (1, 5), (1, 2), (0, 2), (1, 1), 1),
    (2, 2, (3, 3), (2, 3), (2, 2), (2, 2), 1),
    (1, 2, (5, 4), (3, 3), (3, 3), (1, 1), 1),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(rng, case):
    channels, filters, kernel, *geometry, groups = case
    x = rng.standard_normal((2, channels, 5, 6))
    weights = rng.standard_normal((filters, channels // groups, *kernel))
    biases = rng.standard_normal(filters)
    arguments = (*geometry, groups)
    y = convolution_forward(x, weights, biases, *arguments)
    expected = naive_convolution(x, weights, *arguments) + biases[:, None, None]
    np.testing.assert_allclose(y, expected, 1e-12, 1e-12)
    r = rng.standard_normal(y.shape)
    grads = convolution_backward(r, x, weights, *arguments)

    def loss(x, weights, biases):
        return (r * convolution_forward(x, weights, biases, *arguments)).sum()

    assert_is_gradient(lambda v: loss(v, weights, biases), x, grads[0])
    assert_is_gradient(lambda v: loss(x, v, biases), weights, grads[1])
    assert_is_gradient(lambda v: loss(x, weights, v), biases, grads[2])


def test_connected(rng):
    x, weights = rng.standard_normal((3, 2, 2, 2)), rng.standard_normal((5, 8))
    biases, r = rng.standard_normal(5), rng.standard_normal((3, 5))
    grads = connected_backward(r, x, weights)
    assert_is_gradient(lambda v: (r * connected_forward(v, weights, biases)).sum(), x, grads[0])
    assert_is_gradient(lambda v: (r * connected_forward(x, v, biases)).sum(), weights, grads[1])
    assert_is_gradient(lambda v: (r * connected_forward(x, weights, v)).sum(), biases, grads[2])


@pytest.mark.parametrize("size, stride, pad", [(3, 1, 1), (2, 2, 0), (1, 1, 0)])
def test_local(rng, size, stride, pad):
    x = rng.standard_normal((2, 2, 4, 5))
    out_h, out_w = ((n + 2 * pad - size) // stride + 1 for n in (4, 5))
    weights = rng.standard_normal((out_h * out_w, 3, 2 * size * size))
    biases, r = rng.standard_normal(3 * out_h * out_w), rng.standard_normal((2, 3, out_h, out_w))
    geometry = (size, stride, pad)
    grads = local_backward(r, x, weights, *geometry)

    def loss(x, weights, biases):
        return (r * local_forward(x, weights, biases, *geometry)).sum()

    assert_is_gradient(lambda v: loss(v, weights, biases), x, grads[0])
    assert_is_gradient(lambda v: loss(x, v, biases), weights, grads[1])
    assert_is_gradient(lambda v: loss(x, weights, v), biases, grads[2])


def test_local_with_equal_weights_is_a_convolution(rng):
    x, weights = rng.standard_normal((2, 3, 5, 5)), rng.standard_normal((4, 3, 3, 3))
    everywhere = np.broadcast_to(weights.reshape(1, 4, -1), (25, 4, 27))
    y = local_forward(x, everywhere, np.zeros(100), 3, 1, 1)
    np.testing.assert_allclose(y, convolution_forward(x, weights, None, 1, 1), 1e-12, 1e-12)


@pytest.mark.parametrize("shape", [(3, 2, 2, 3), (5, 4)])
def test_exact_batchnorm_is_the_derivative(rng, shape):
    x, r = rng.standard_normal(shape), rng.standard_normal(shape)
    scales, biases = rng.uniform(0.5, 2, shape[1]), rng.standard_normal(shape[1])

    def loss(x, scales, biases):
        return (r * bn.batchnorm_forward_train(x, scales, biases, "cudnn")[0]).sum()

    _, x_hat, _, variance = bn.batchnorm_forward_train(x, scales, biases, "cudnn")
    grads = bn.batchnorm_backward_exact(r, x_hat, variance, scales)
    assert_is_gradient(lambda v: loss(v, scales, biases), x, grads[0])
    assert_is_gradient(lambda v: loss(x, v, biases), scales, grads[1])
    assert_is_gradient(lambda v: loss(x, scales, v), biases, grads[2])


@pytest.mark.parametrize("form", ["pjreddie", "alexeyab"])
def test_darknet_batchnorm_is_its_declared_chain(rng, form):
    """The chain is the derivative of (x - mean) / sqrt(v + 1e-5), where v takes the value of the
    divisor M - 1 and the slope of the divisor M; the updates use the forward's own x_hat."""
    x, r = 2 + rng.standard_normal((3, 2, 2, 3)), rng.standard_normal((3, 2, 2, 3))
    scales, biases = rng.uniform(0.5, 2, 2), rng.standard_normal(2)
    _, x_hat, mean, variance = bn.batchnorm_forward_train(x, scales, biases, form)
    grads = bn.batchnorm_backward(r, x, x_hat, mean, variance, scales)
    start = x.var((0, 2, 3))

    def declared(v):
        v_mean = v.mean((0, 2, 3))[:, None, None]
        moved = variance + v.var((0, 2, 3)) - start
        return (
            r * scales[:, None, None] * (v - v_mean) / np.sqrt(moved + 1e-5)[:, None, None]
        ).sum()

    def forward(scales, biases):
        return (r * bn.batchnorm_forward_train(x, scales, biases, form)[0]).sum()

    assert_is_gradient(declared, x, grads[0])
    assert_is_gradient(lambda v: forward(v, biases), scales, grads[1])
    assert_is_gradient(lambda v: forward(scales, v), biases, grads[2])


def test_batchnorm_forms(rng):
    x = rng.standard_normal((4, 3, 2, 2))
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), ddof=1)
    ones, zeros = np.ones(3), np.zeros(3)
    centred = x - mean[:, None, None]
    for form, value in {
        "pjreddie": centred / (np.sqrt(variance) + 1e-6)[:, None, None],
        "alexeyab": centred / np.sqrt(variance + 1e-5)[:, None, None],
        "cudnn": centred / np.sqrt(x.var((0, 2, 3)) + 1e-5)[:, None, None],
    }.items():
        y, x_hat, m, v = bn.batchnorm_forward_train(x, ones, zeros, form)
        np.testing.assert_allclose(y, value, 1e-12)
        again = bn.batchnorm_forward_inference(x, ones, zeros, m, v, form)
        np.testing.assert_allclose(again, x_hat, 1e-12)


def test_one_value_per_channel_has_no_variance():
    y, _, _, variance = bn.batchnorm_forward_train(np.full((1, 2), 7.0), np.ones(2), np.ones(2))
    assert (variance == 0).all()
    assert (y == 1).all()
