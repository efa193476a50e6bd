"""LRN and l2normalize of NumPy's arrays, and Darknet's calls of them."""

from __future__ import annotations

import numpy as np
import pytest
from draw import normal
from references import kernels as reference
from references import lrn as lrn_reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23


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


def test_same_bits_for_any_number_of_threads(every_simd, same_bits, rng):
    x, d = normal(rng, 3, 20, 33, 30), normal(rng, 3, 20, 33, 30)
    same_bits(lambda: [K.lrn_forward(x), K.lrn_backward(x, d), K.l2normalize_cpu(x)])


def test_empty_arrays_stay_empty():
    x = np.empty((0, 3, 2, 2), np.float32)
    for result in (
        K.lrn_forward(x),
        K.lrn_backward(x, x),
        K.l2normalize_cpu(x),
    ):
        assert result.shape == x.shape


def test_bad_arguments_name_themselves():
    x = np.ones((2, 3), np.float32)
    for error, match, call in (
        (ArgumentError, "size must be", lambda: K.lrn_forward(x, size=0)),
        (ShapeError, "out must not share memory with x", lambda: K.lrn_forward(x, out=x)),
        (ShapeError, "x must have shape", lambda: K.lrn_forward(x[0])),
        (ShapeError, "x must not share", lambda: darknet_calls.l2normalize_cpu(x, x, 2, 3, 1)),
    ):
        with pytest.raises(error, match=match):
            call()
