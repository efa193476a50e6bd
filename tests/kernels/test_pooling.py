"""Pooling on NumPy's arrays against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references import pooling as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, DTypeError, ShapeError

EPS = 2.0**-23
# batch, channels, height, width, size, stride, padding
CASES = [
    (2, 5, 7, 9, (3, 3), (2, 2), (2, 2)),
    (1, 3, 8, 40, (3, 3), (1, 1), (2, 2)),
    (2, 2, 6, 67, (2, 2), (2, 2), (1, 1)),
    (2, 3, 7, 57, (2, 2), (2, 2), (0, 0)),
    (1, 2, 4, 128, (2, 2), (2, 2), (0, 0)),
    (1, 1, 5, 5, (1, 1), (1, 1), (0, 0)),
    (2, 3, 7, 7, (2, 2), (3, 3), (1, 1)),
    (1, 2, 4, 3, (9, 9), (1, 1), (8, 8)),
    (2, 4, 3, 3, (2, 2), (1, 1), (9, 9)),
    (1, 2, 7, 11, (2, 3), (3, 1), (0, 3)),
]


@pytest.mark.parametrize("case", CASES)
def test_maxpool(case, every_simd, rng):
    shape, geometry = case[:4], case[4:]
    x = rng.integers(-4, 5, shape).astype(np.float32)
    expected, places = reference.maxpool_forward(x, *geometry)
    block = np.full(expected.size + 2, -3, np.float32)
    out = block[1:-1].reshape(expected.shape)
    y, argmax = K.maxpool_forward(x, *geometry, out=out)
    assert y is out
    assert block[0] == block[-1] == -3
    np.testing.assert_array_equal(y, expected.astype(np.float32))
    np.testing.assert_array_equal(argmax, places)
    delta = rng.integers(-8, 9, y.shape).astype(np.float32)
    grad = reference.maxpool_backward(delta, places, shape)
    np.testing.assert_array_equal(K.maxpool_backward(delta, argmax, shape[2:]), grad)
    total = x.copy()
    K.maxpool_backward(delta, argmax, shape[2:], out=total)
    np.testing.assert_array_equal(total, x + grad)


def test_maxpool_never_chooses_nan_or_the_least(every_simd, rng):
    """In every place of 2x2 windows, side by side and alone, in whole vectors and at their end."""
    least = -np.finfo(np.float32).max
    special = np.array([np.nan, -np.inf, least, 1, np.inf, -1], np.float32)
    windows = special[np.indices((6,) * 4).reshape(4, -1)]  # every four of them
    windows = windows.reshape(2, 2, 8, 2 * 81).transpose(2, 0, 3, 1)
    x = np.ascontiguousarray(windows.reshape(1, 1, 16, 324))
    for part in (x, x[..., :-1].copy(), x[..., :58].copy()):
        want, places = reference.maxpool_forward(part, (2, 2), (2, 2), (0, 0))
        y, argmax = K.maxpool_forward(part, 2, 2, 0)
        np.testing.assert_array_equal(y, want.astype(np.float32))
        np.testing.assert_array_equal(argmax, places)


@pytest.mark.parametrize("case", CASES)
def test_local_avgpool(case, every_simd, rng):
    shape, geometry = case[:4], case[4:]
    x = rng.normal(size=shape).astype(np.float32)
    expected = reference.local_avgpool_forward(x, *geometry)
    terms = geometry[0][0] * geometry[0][1]
    got = K.local_avgpool_forward(x, *geometry)
    np.testing.assert_allclose(got, expected, rtol=0, atol=terms * EPS * 4)
    delta = rng.normal(size=expected.shape).astype(np.float32)
    grad = reference.local_avgpool_backward(delta, shape, *geometry)
    got = K.local_avgpool_backward(delta, shape[2:], *geometry, out=x.copy())
    np.testing.assert_allclose(got, x + grad, rtol=0, atol=(terms + 2) * EPS * 8)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1), (2, 70, 7, 7), (1, 2, 33, 65)])
def test_avgpool(shape, every_simd, rng):
    x = rng.normal(size=shape).astype(np.float32)
    pixels = shape[2] * shape[3]
    got = K.avgpool_forward(x)
    atol = 4 * EPS * np.sqrt(pixels)
    np.testing.assert_allclose(got, reference.avgpool_forward(x), rtol=0, atol=atol)
    grad = reference.avgpool_backward(got, shape)
    np.testing.assert_allclose(K.avgpool_backward(got, shape[2:]), grad, rtol=2 * EPS)
    total = K.avgpool_backward(got, shape[2:], out=x.copy())
    np.testing.assert_allclose(total, x + grad, rtol=0, atol=4 * EPS * 4)


def test_defaults_are_darknets(rng):
    """Size 2, stride 2: padding 1, of which nothing stands before the image."""
    x = rng.normal(size=(1, 1, 5, 5)).astype(np.float32)
    y, _ = K.maxpool_forward(x, 2, 2)
    assert y.shape == (1, 1, 3, 3)
    assert y[0, 0, 2, 2] == x[0, 0, 4, 4]
    assert y[0, 0, 0, 0] == x[0, 0, :2, :2].max()


def test_nan_is_never_chosen(every_simd):
    x = np.full((1, 1, 2, 40), np.nan, np.float32)
    x[..., 1, 5] = -7
    y, argmax = K.maxpool_forward(x, 2, 2, 0)
    assert y[0, 0, 0, 2] == -7
    assert argmax[0, 0, 0, 2] == 45
    assert (np.delete(argmax.ravel(), 2) == -1).all()
    assert (np.delete(y.ravel(), 2) == -np.finfo(np.float32).max).all()


@given(
    st.tuples(*[st.integers(1, 20)] * 2),
    st.tuples(*[st.integers(1, 5)] * 2),
    st.tuples(*[st.integers(1, 4)] * 2),
    st.tuples(*[st.integers(0, 7)] * 2),
)
def test_any_window(sides, size, stride, padding):
    fits = all(n + p >= k for n, p, k in zip(sides, padding, size, strict=True))
    x = (np.arange(2 * sides[0] * sides[1]) * 7 % 31).astype(np.float32).reshape(1, 2, *sides)
    if not fits:
        with pytest.raises(ShapeError, match="does not fit"):
            K.maxpool_forward(x, size, stride, padding)
        return
    y, argmax = K.maxpool_forward(x, size, stride, padding)
    expected, places = reference.maxpool_forward(x, size, stride, padding)
    np.testing.assert_array_equal(y, expected.astype(np.float32))
    np.testing.assert_array_equal(argmax, places)
    grad = K.maxpool_backward(y * 0 + 1, argmax, sides)
    np.testing.assert_array_equal(grad, reference.maxpool_backward(y * 0 + 1, places, x.shape))


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = rng.normal(size=(3, 16, 60, 61)).astype(np.float32)

    def run():
        y, argmax = K.maxpool_forward(x, 3, 2)
        yield y
        yield argmax
        yield K.maxpool_backward(y, argmax, (60, 61))
        yield K.local_avgpool_forward(x, 3)
        yield K.avgpool_forward(x)

    same_bits(run)


def test_empty_and_bad_arguments(rng):
    x = rng.normal(size=(1, 2, 4, 4)).astype(np.float32)
    y, argmax = K.maxpool_forward(x[:0], 2, 2)
    assert y.shape == (0, 2, 2, 2)
    assert K.maxpool_backward(y, argmax, (4, 4)).shape == (0, 2, 4, 4)
    assert K.avgpool_forward(x[:0]).shape == (0, 2, 1, 1)
    y, argmax = K.maxpool_forward(x, 2, 2)
    with pytest.raises(ArgumentError, match="stride"):
        K.maxpool_forward(x, 2, 0)
    with pytest.raises(ShapeError, match="x must have shape"):
        K.maxpool_forward(x[0], 2, 2)
    with pytest.raises(DTypeError, match="argmax"):
        K.maxpool_backward(y, argmax.astype(np.int64), (4, 4))
    with pytest.raises(ShapeError, match=r"argmax must have shape \(1, 2, 2, 2\)"):
        K.maxpool_forward(x, 2, 2, argmax=argmax[:, :1])
    with pytest.raises(ShapeError, match="argmax must not share memory with out"):
        K.maxpool_forward(x, 2, 2, out=y, argmax=y.view(np.int32))
    argmax.flags.writeable = False
    with pytest.raises(ShapeError, match="argmax must be writable"):
        K.maxpool_forward(x, 2, 2, argmax=argmax)
    with pytest.raises(ShapeError, match="argmax must lie"):
        K.maxpool_backward(y, argmax + 10, (4, 4))
    with pytest.raises(ShapeError, match="at least one pixel"):
        K.avgpool_forward(np.zeros((1, 1, 0, 4), np.float32))
    with pytest.raises(ShapeError, match="delta must have shape"):
        K.local_avgpool_backward(y, (9, 9), 2, 2)
