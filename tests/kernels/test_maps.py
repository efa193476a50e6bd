"""reorg, flatten, shortcut and upsample: NumPy's arrays and Darknet's calls against float64."""

from __future__ import annotations

import numpy as np
import pytest
from draw import integers
from references import kernels as reference
from references import reorg, routing

import darkpy.kernels as K
from darkpy.errors import ArgumentError, ShapeError
from darkpy.kernels import darknet_calls


@pytest.mark.parametrize(
    ("shape", "stride"),
    [((2, 8, 4, 6), 2), ((1, 4, 4, 4), 2), ((2, 9, 3, 6), 3), ((1, 3, 5, 7), 1)],
)
def test_reorg(shape, stride, every_simd, rng):
    x = integers(rng, shape)
    y = K.reorg_cpu(x, stride)
    np.testing.assert_array_equal(y, reorg.reorg_forward(x, stride))
    back = K.reorg_cpu(x, stride, forward=True)
    np.testing.assert_array_equal(back, reorg.reorg_forward(x, stride, reverse=True))
    batch, channels, height, width = shape
    for forward in (0, 1):
        out = np.full(x.size + 2, -3, np.float32)
        sizes = (width, height, channels, batch, stride, forward)
        darknet_calls.reorg_cpu(x, *sizes, out[1:-1])
        np.testing.assert_array_equal(out[1:-1], reference.reorg_cpu(x, *sizes))
        assert out[0] == out[-1] == -3


def test_reorg_example_of_darknet():
    """The first values of each group of planes for a 4x4x4 map, as the C program gives them."""
    y = K.reorg_cpu(np.arange(64, dtype=np.float32).reshape(1, 4, 4, 4), 2).reshape(16, 4)
    np.testing.assert_array_equal(y[0], [0, 2, 4, 6])
    np.testing.assert_array_equal(y[4], [1, 3, 5, 7])
    np.testing.assert_array_equal(y[8], [8, 10, 12, 14])


@pytest.mark.parametrize(
    "shape", [(2, 3, 4, 5), (1, 1, 1, 1), (2, 40, 169), (1, 17, 64, 64), (3, 2)]
)
def test_flatten(shape, every_simd, rng):
    x = integers(rng, shape)
    batch, layers, size = shape[0], shape[1], int(np.prod(shape[2:]))
    y = K.flatten(x)
    np.testing.assert_array_equal(y, x.reshape(batch, layers, size).transpose(0, 2, 1))
    np.testing.assert_array_equal(K.flatten(y, forward=False), x.reshape(batch, layers, size))
    inplace = x.copy()
    darknet_calls.flatten(inplace, size, layers, batch, 1)
    np.testing.assert_array_equal(inplace.ravel(), reference.flatten(x, size, layers, batch, 1))
    darknet_calls.flatten(inplace, size, layers, batch, 0)
    np.testing.assert_array_equal(inplace, x)


@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((2, 5, 4, 6), (2, 5, 4, 6)),
        ((2, 5, 4, 6), (2, 7, 4, 6)),
        ((1, 20, 4, 4), (1, 7, 8, 8)),
        ((1, 7, 9, 6), (1, 20, 3, 2)),
        ((2, 3, 5, 5), (2, 4, 11, 11)),
    ],
)
def test_shortcut(shape, other, every_simd, rng):
    x, add = integers(rng, shape), integers(rng, other)
    before = x.copy()
    expected = routing.shortcut_forward(x, add, 0.5, -2)
    np.testing.assert_array_equal(K.shortcut_cpu(x, add, 0.5, -2), expected)
    np.testing.assert_array_equal(x, before)
    assert K.shortcut_cpu(x, add, 0.5, -2, out=x) is x
    np.testing.assert_array_equal(x, expected)
    (batch, c2, h2, w2), (_, c1, h1, w1) = shape, other
    darknet_calls.shortcut_cpu(batch, w1, h1, c1, add, w2, h2, c2, 0.5, -2, before)
    np.testing.assert_array_equal(before, expected)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1), (1, 2, 3, 33)])
def test_upsample(shape, stride, every_simd, rng):
    x = integers(rng, shape)
    large = K.upsample_cpu(x, stride, scale=0.5)
    np.testing.assert_array_equal(large, routing.upsample_forward(x, stride, 0.5))
    delta = integers(rng, large.shape)
    sums = routing.upsample_backward(delta, stride, 0.5)
    np.testing.assert_array_equal(K.upsample_cpu(delta, stride, forward=False, scale=0.5), sums)
    total = x.copy()
    batch, channels, height, width = shape
    sizes = (width, height, channels, batch, stride)
    darknet_calls.upsample_cpu(total, *sizes, 0, 0.5, delta)
    np.testing.assert_array_equal(total, x + sums)
    out = np.full(large.size + 2, -3, np.float32)
    darknet_calls.upsample_cpu(x, *sizes, 1, 0.5, out[1:-1])
    np.testing.assert_array_equal(out[1:-1].reshape(large.shape), large)
    assert out[0] == out[-1] == -3


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = rng.normal(size=(3, 16, 48, 52)).astype(np.float32)
    add = rng.normal(size=(3, 8, 24, 26)).astype(np.float32)

    def run():
        yield K.reorg_cpu(x, 2)
        yield K.flatten(x)
        yield K.shortcut_cpu(x, add, 0.3, 0.7)
        yield K.upsample_cpu(x, 2, forward=False, scale=0.3)

    same_bits(run)


def test_empty_and_bad_arguments(rng):
    empty = np.zeros((0, 4, 2, 2), np.float32)
    assert K.reorg_cpu(empty).shape == (0, 16, 1, 1)
    assert K.flatten(empty).shape == (0, 4, 4)
    assert K.upsample_cpu(empty).shape == (0, 4, 4, 4)
    assert K.shortcut_cpu(empty, empty).shape == empty.shape
    x = integers(rng, (1, 4, 4, 6))
    with pytest.raises(ShapeError, match="divisible by 9"):
        K.reorg_cpu(x, 3)
    with pytest.raises(ArgumentError, match="stride"):
        K.upsample_cpu(x, 0)
    with pytest.raises(ShapeError, match="same factor"):
        K.shortcut_cpu(x, integers(rng, (1, 4, 8, 6)))
    with pytest.raises(ShapeError, match="share memory"):
        K.shortcut_cpu(x, x, out=x)
    with pytest.raises(ShapeError, match="multiple of"):
        darknet_calls.reorg_cpu(x, 6, 4, 4, 1, 3, 0, x.copy())
    with pytest.raises(ShapeError, match="add must hold"):
        darknet_calls.shortcut_cpu(1, 6, 4, 5, x, 6, 4, 4, 1, 1, x.copy())
