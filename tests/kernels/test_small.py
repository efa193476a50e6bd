"""NumPy faces and flat forms of activations, LRN, l2normalize, softmax and losses."""

from __future__ import annotations

import numpy as np
import pytest
from references import activations as activation_reference
from references import kernels as reference
from references import lrn as lrn_reference

import darkpy.kernels as K
from darkpy.engine.boundary import lib
from darkpy.errors import ArgumentError, DTypeError, ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23


def misaligned(values):
    values = np.asarray(values, np.float32)
    block = np.empty(values.size + 1, np.float32)[1:].reshape(values.shape)
    block[...] = values
    return block


def normal(rng, *shape):
    return misaligned(rng.normal(size=shape))


# activations


def test_names_have_the_numbers_of_the_c_core():
    assert set(K.ACTIVATIONS) == set(activation_reference.FORWARD)
    for number, name in enumerate(K.ACTIVATIONS):
        assert getattr(lib, f"DK_{name.upper()}") == number
    assert len(K.ACTIVATIONS) == lib.DK_ACTIVATION_COUNT


@pytest.mark.parametrize("name", K.ACTIVATIONS)
@pytest.mark.parametrize("count", [0, 1, 31, 1000, (1 << 14) + 5])
def test_activations(every_simd, rng, name, count):
    x, delta = 3 * normal(rng, count), normal(rng, count)
    y = K.activate_array(x, name)
    exact = activation_reference.activate(name, x)
    np.testing.assert_allclose(y, exact, rtol=8 * EPS, atol=8 * EPS)
    kept = x if K.gradient_needs_input(name) else y
    d = K.gradient_array(kept, name, delta)
    exact = reference.gradient_array(kept, count, name, delta)
    np.testing.assert_allclose(d, exact, rtol=16 * EPS, atol=16 * EPS)
    in_place, delta_in_place = x.copy(), delta.copy()
    darknet_calls.activate_array(in_place, count, name)
    darknet_calls.gradient_array(kept, count, name, delta_in_place)
    np.testing.assert_array_equal(in_place, y)
    np.testing.assert_array_equal(delta_in_place, d)
    assert K.gradient_array(kept, name, delta, out=delta) is delta
    np.testing.assert_array_equal(delta, d)


def test_single_numbers():
    assert K.activate(-2.0, "leaky") == pytest.approx(-0.2)
    assert K.gradient(-2.0, "leaky") == pytest.approx(0.1)


# LRN

TENSORFLOW_ROWS = np.array(
    [
        [1, 2, 3, 4, 5, 6, 7, 8],
        [8, 7, 6, 5, 4, 3, 2, 1],
        [4, 3, 2, 1, 8, 7, 6, 5],
        [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    np.float32,
)


def test_tensorflows_example(every_simd):
    """depth_radius=2, bias=0, alpha=1, beta=1 on a 2x2 map of 8 channels."""
    x = np.ascontiguousarray(TENSORFLOW_ROWS.reshape(1, 2, 2, 8).transpose(0, 3, 1, 2))
    y = K.lrn_forward(x, size=5, alpha=1, beta=1, kappa=0)
    rows = y.transpose(0, 2, 3, 1).reshape(4, 8)
    published = [0.07142857, 0.06666667, 0.05454545, 0.04444445]
    published += [0.03703704, 0.03157895, 0.04022989, 0.05369128]
    np.testing.assert_allclose(rows[0], published, rtol=1e-6)
    np.testing.assert_allclose(rows[1], published[::-1], rtol=1e-6)
    np.testing.assert_allclose(rows[3], published, rtol=1e-6)
    third = [4 / 29, 3 / 30, 2 / 94, 1 / 127, 8 / 154, 7 / 175, 6 / 174, 5 / 110]
    np.testing.assert_allclose(rows[2], third, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (3, 20), (2, 7, 1, 5), (2, 12, 9, 31), (1, 5, 17, 17)])
@pytest.mark.parametrize("size", [1, 2, 5, 9])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_lrn(every_simd, rng, shape, size, beta):
    x, delta = 2 * normal(rng, *shape), normal(rng, *shape)
    options = {"size": size, "alpha": 0.25, "beta": beta}
    norms = np.full(shape, np.nan, np.float32)
    y = K.lrn_forward(x, **options, kappa=1.5, norms=norms)
    exact, exact_norms = lrn_reference.lrn_forward(x, **options, kappa=1.5)
    np.testing.assert_allclose(norms, exact_norms, rtol=(size + 2) * EPS)
    np.testing.assert_allclose(y, exact, rtol=(size + 12) * EPS)
    dx = K.lrn_backward(x, delta, **options, kappa=1.5)
    exact = lrn_reference.lrn_backward(delta, x, exact_norms, **options)
    limit = (size + 12) * EPS * (1 + abs(x).max() * abs(delta).max())
    np.testing.assert_allclose(dx, exact, atol=limit, rtol=0)
    np.testing.assert_array_equal(K.lrn_forward(x, **options, kappa=1.5), y)
    assert K.lrn_backward(x, delta, **options, kappa=1.5, out=delta) is delta
    np.testing.assert_array_equal(delta, dx)


# l2normalize


@pytest.mark.parametrize("shape", [(1, 1), (4, 33), (2, 5, 1, 3), (2, 40, 17, 19)])
def test_l2normalize(every_simd, rng, shape):
    x, dx = normal(rng, *shape), np.full(shape, np.nan, np.float32)
    sizes = shape[0], shape[1], int(np.prod(shape[2:]))
    y = K.l2normalize_cpu(x, dx=dx)
    exact, exact_dx = reference.l2normalize_cpu(x, dx, *sizes)
    np.testing.assert_allclose(y.ravel(), np.ravel(exact), rtol=16 * EPS)
    scale = 1 + abs(np.ravel(exact_dx))
    assert (abs(dx.ravel() - np.ravel(exact_dx)) <= 32 * EPS * scale * 8).all()
    in_place, flat_dx = x.copy(), np.empty_like(x)
    darknet_calls.l2normalize_cpu(in_place, flat_dx, *sizes)
    np.testing.assert_array_equal(in_place, y)
    np.testing.assert_array_equal(flat_dx, dx)


def test_l2normalize_of_zeros_is_zero(every_simd):
    for shape in [(2, 3), (1, 3, 2, 2)]:
        dx = np.ones(shape, np.float32)
        np.testing.assert_array_equal(K.l2normalize_cpu(np.zeros(shape, np.float32), dx=dx), 0)
        np.testing.assert_array_equal(dx, 0)


# softmax


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_softmax_of_groups(every_simd, rng, groups, temperature):
    x = 3 * normal(rng, 5, 4, 7)
    y = K.softmax_cpu(x, groups=groups, temperature=temperature)
    n = 28 // groups
    arguments = n, 5, 28, groups, n, 1, temperature
    exact = reference.softmax_cpu(x, *arguments, np.zeros(x.size))
    np.testing.assert_allclose(y.ravel(), exact, rtol=128 * EPS)
    written = np.empty_like(x)
    darknet_calls.softmax_cpu(x, *arguments, written)
    np.testing.assert_array_equal(written, y)


@pytest.mark.parametrize("shape", [(2, 3), (3, 5, 1, 1), (2, 9, 7, 11), (1, 4, 2)])
def test_softmax_over_channels(every_simd, rng, shape):
    x = 3 * normal(rng, *shape)
    y = K.softmax_cpu(x, spatial=True)
    powers = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(y, powers / powers.sum(1, keepdims=True), rtol=64 * EPS)
    assert K.softmax_cpu(x, spatial=True, out=x) is x
    np.testing.assert_array_equal(x, y)


def test_softmax_of_what_is_not_finite(every_simd):
    x = np.zeros((4, 40), np.float32)
    x[0, 3], x[1, 39], x[2, 5] = np.nan, np.nan, -np.inf
    y = K.softmax_cpu(x)
    assert np.isnan(y[:2]).all()
    assert y[2, 5] == 0
    np.testing.assert_array_equal(np.delete(y[2], 5), np.float32(1) / np.float32(39))


@pytest.mark.parametrize("stride", [1, 3])
def test_flat_softmax(every_simd, rng, stride):
    x, out = normal(rng, 40), np.full(40, 7, np.float32)
    darknet_calls.softmax(x, 13, 2.0, stride, out)
    exact = reference.softmax(x, 13, 2.0, stride)
    np.testing.assert_allclose(out[: 13 * stride : stride], exact, rtol=32 * EPS)
    rest = np.ones(40, bool)
    rest[: 13 * stride : stride] = False
    np.testing.assert_array_equal(out[rest], 7)


def test_softmax_of_one_array(rng):
    x = normal(rng, 3, 4)
    exact = np.exp(x / 2.0) / np.exp(x / 2.0).sum()
    np.testing.assert_allclose(K.softmax(x, 2.0), exact, rtol=64 * EPS)


# losses


@pytest.mark.parametrize("name", ["l1_cpu", "l2_cpu", "smooth_l1_cpu"])
@pytest.mark.parametrize("count", [0, 1, 17, (1 << 14) + 3])
def test_losses(every_simd, rng, name, count):
    pred, truth = 2 * normal(rng, count), normal(rng, count)
    truth[: count // 4] = pred[: count // 4]
    check_loss(name, pred, truth)


@pytest.mark.parametrize("name", ["softmax_x_ent_cpu", "logistic_x_ent_cpu"])
@pytest.mark.parametrize("count", [0, 1, 17, 1000])
def test_cross_entropies(every_simd, rng, name, count):
    pred = misaligned(rng.uniform(0.01, 0.99, count))
    truth = misaligned(rng.uniform(0, 1, count) * (rng.uniform(size=count) > 0.5))
    check_loss(name, pred, truth)


def check_loss(name, pred, truth):
    delta, error = getattr(K, name)(pred, truth)
    exact_delta, exact_error = getattr(reference, name)(pred.size, pred, truth)
    np.testing.assert_allclose(delta, exact_delta, atol=2 * EPS)
    np.testing.assert_allclose(error, exact_error, rtol=8 * EPS, atol=8 * EPS)
    flat_delta, flat_error = np.empty_like(pred), np.empty_like(pred)
    getattr(darknet_calls, name)(pred.size, pred, truth, flat_delta, flat_error)
    np.testing.assert_array_equal(flat_delta, delta)
    np.testing.assert_array_equal(flat_error, error)


# all of them


def test_same_bits_for_any_number_of_threads(every_simd, rng, threads):
    x, d = normal(rng, 3, 20, 33, 30), normal(rng, 3, 20, 33, 30)
    results = []
    for count in (1, 2, 7):
        threads(count)
        results.append(
            [
                K.activate_array(x, "mish"),
                K.gradient_array(x, "tanh", d),
                K.lrn_forward(x),
                K.lrn_backward(x, d),
                K.l2normalize_cpu(x),
                K.softmax_cpu(x, spatial=True),
                K.softmax_cpu(x, groups=20),
                *K.smooth_l1_cpu(x, d),
            ]
        )
    for other in results[1:]:
        for left, right in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(left, right)


def test_empty_arrays_stay_empty():
    x = np.empty((0, 3, 2, 2), np.float32)
    for result in (
        K.activate_array(x, "relu"),
        K.gradient_array(x, "relu", x),
        K.lrn_forward(x),
        K.lrn_backward(x, x),
        K.l2normalize_cpu(x),
        K.softmax_cpu(x),
        K.softmax(x),
        *K.l2_cpu(x, x),
    ):
        assert result.shape == x.shape


def test_bad_arguments_name_themselves():
    x, y = np.ones((2, 3), np.float32), np.ones((2, 2), np.float32)
    for error, match, call in (
        (ArgumentError, "activation must be one of linear", lambda: K.activate_array(x, "lelu")),
        (DTypeError, "x must be", lambda: K.activate_array([1.0], "relu")),
        (ShapeError, "delta must have shape", lambda: K.gradient_array(x, "relu", y)),
        (ShapeError, "out must have shape", lambda: K.gradient_array(x, "relu", x, out=y)),
        (ArgumentError, "size must be", lambda: K.lrn_forward(x, size=0)),
        (ShapeError, "out must not share memory with x", lambda: K.lrn_forward(x, out=x)),
        (ShapeError, "x must have shape", lambda: K.lrn_forward(x[0])),
        (ShapeError, "groups must divide", lambda: K.softmax_cpu(x, groups=2)),
        (ArgumentError, "temperature must not be 0", lambda: K.softmax_cpu(x, temperature=0)),
        (ShapeError, "truth must have shape", lambda: K.l2_cpu(x, y)),
        (ShapeError, "delta must have shape", lambda: K.l2_cpu(x, x + 1, delta=y)),
        (ShapeError, "input must hold at least", lambda: darknet_calls.softmax(x, 4, 1.0, 2, x)),
        (ArgumentError, "temp must not be 0", lambda: darknet_calls.softmax(x, 4, 0, 1, x)),
        (ShapeError, "x must not share", lambda: darknet_calls.l2normalize_cpu(x, x, 2, 3, 1)),
    ):
        with pytest.raises(error, match=match):
            call()


@pytest.mark.parametrize("plane", [(4, 4), (16, 17), (24, 26), (32, 40)])
def test_lrn_writes_the_same_wherever_its_output_begins(every_simd, rng, plane):
    x = normal(rng, 2, 5, *plane)
    want = K.lrn_forward(x, alpha=0.5)
    exact = lrn_reference.lrn_forward(x, alpha=0.5)[0]
    np.testing.assert_allclose(want, exact, rtol=32 * EPS)
    for offset in range(16):
        memory = np.full(x.size + 32, -7, np.float32)
        out = memory[offset + 1 : offset + 1 + x.size].reshape(x.shape)
        K.lrn_forward(x, alpha=0.5, out=out)
        np.testing.assert_array_equal(out, want)
        assert (memory[: offset + 1] == -7).all() and (memory[offset + 1 + x.size :] == -7).all()
