"""Outputs beyond the caches are written another way: same bits as the same work in small pieces."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from darkpy import kernels

ROOT = Path(__file__).resolve().parents[2]
#: Values from which on outputs are streamed.
FROM = 1 << int(
    re.search(
        r"DK_STREAM_FROM = 1 << (\d+)",
        (ROOT / "csrc" / "streaming.h").read_text(encoding="utf-8"),
    )[1]
)
CANARY = np.float32(-8.25e30)
EDGE = 64

ELEMENTS = {
    "fill": lambda x, y, out: kernels.fill_cpu(x.shape, 0.3, out=out),
    "copy": lambda x, y, out: kernels.copy_cpu(x, out=out),
    "scal": lambda x, y, out: kernels.scal_cpu(1.7, x, out=out),
    "mul": lambda x, y, out: kernels.mul_cpu(x, y, out=out),
    "axpy": lambda x, y, out: kernels.axpy_cpu(0.7, x, y, out=out),
    "weighted_sum": lambda x, y, out: kernels.weighted_sum_cpu(x, y, x, out=out),
    "affine": lambda x, y, out: kernels.scal_add_cpu(1.7, 0.2, x, out=out),
    "power": lambda x, y, out: kernels.pow_cpu(3, x, out=out),
    "constrain": lambda x, y, out: kernels.constrain_cpu(1, x, out=out),
    "finite": lambda x, y, out: kernels.fix_nan_and_inf_cpu(x, out=out),
    "sign": lambda x, y, out: kernels.binarize_cpu(x, out=out),
    "leaky": lambda x, y, out: kernels.activate_array(x, "leaky", out=out),
    "logistic gradient": lambda x, y, out: kernels.gradient_array(x, "logistic", y, out=out),
    "l1": lambda x, y, out: kernels.l1_cpu(x, y, delta=out)[0],
    "smooth_l1": lambda x, y, out: kernels.smooth_l1_cpu(x, y, delta=out, error=np.empty_like(x)),
}
IMAGES = {
    "normalize": lambda x, c, out: kernels.normalize_cpu(x, c, c + 2, out=out),
    "scale_bias": lambda x, c, out: kernels.scale_bias(x, c, out=out),
    "normalize_delta": lambda x, c, out: kernels.normalize_delta_cpu(
        x, c, c + 2, c, c, x[::-1].copy(), out=out
    ),
    "lrn": lambda x, c, out: kernels.lrn_forward(x, out=out),
    "softmax": lambda x, c, out: kernels.softmax_cpu(x, groups=x.shape[1], out=out),
}


def guarded(shape, offset):
    """NaN, beginning `offset` values behind a border of 64 bytes, and what lies around."""
    count = int(np.prod(shape))
    memory = np.full(count + 2 * EDGE + 16, CANARY, np.float32)
    first = EDGE + offset + (-memory.ctypes.data % 64 // 4)
    memory[first : first + count] = np.nan
    return memory[first : first + count].reshape(shape), (
        memory[:first],
        memory[first + count :],
    )


def assert_untouched(edges):
    for edge in edges:
        assert (edge == CANARY).all()


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(5).uniform(-2, 2, FROM + 1301).astype(np.float32)


@pytest.mark.parametrize("offset", [0, 5])
@pytest.mark.parametrize("name", ELEMENTS)
def test_elements(every_simd, threads, values, name, offset):
    x = values
    y = values[::-1].copy()
    want = np.empty_like(x)
    for piece in np.array_split(np.arange(x.size), 3):
        part = slice(piece[0], piece[-1] + 1)
        ELEMENTS[name](x[part], y[part], want[part])
    for count in (1, 2):
        threads(count)
        out, edges = guarded(x.shape, offset)
        ELEMENTS[name](x, y, out)
        assert_untouched(edges)
        if name == "weighted_sum":  # compilers may round either of the two products
            np.testing.assert_allclose(out, want, rtol=0, atol=2e-6)
        else:
            np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("offsets", [(3, 3), (3, 7)])
def test_both_outputs_of_a_loss(every_simd, values, offsets):
    """Cache lines begin at the same values of both outputs, or do not."""
    x, y = values, values[::-1].copy()
    delta, edges = guarded(x.shape, offsets[0])
    error, more_edges = guarded(x.shape, offsets[1])
    kernels.l2_cpu(x, y, delta=delta, error=error)
    assert_untouched(edges + more_edges)
    np.testing.assert_array_equal(delta, y - x)
    np.testing.assert_array_equal(error, (y - x) ** 2)


@pytest.mark.parametrize("plane", [(211, 199), (64, 640), (31, 33), (7, 7)])
@pytest.mark.parametrize("name", IMAGES)
def test_images(every_simd, threads, values, name, plane):
    shape = (2, -(-FROM // (2 * plane[0] * plane[1])), *plane)
    x = np.resize(values, shape)
    channels = values[: shape[1]]
    if name == "normalize_delta":  # divides by the size of the batch
        x[1] = x[0]
        once = IMAGES[name](x[:1], channels, None)
        want = (
            x[::-1] / np.sqrt(channels + 2 + 1e-5)[:, None, None]
            + (once - x[:1] / np.sqrt(channels + 2 + 1e-5)[:, None, None]) / 2
        )
    else:
        want = np.concatenate([IMAGES[name](x[n : n + 1], channels, None) for n in range(2)])
    for count in (1, 2):
        threads(count)
        out, edges = guarded(shape, 1)
        IMAGES[name](x, channels, out)
        assert_untouched(edges)
        if name == "normalize_delta":
            np.testing.assert_allclose(out, want, rtol=2e-6, atol=2e-6)
        else:
            np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("with_places", [False, True])
def test_dropout_and_maxima(every_simd, threads, values, with_places):
    if not with_places:
        kept, seed = kernels.dropout_forward(values, 0.3, 11)
        start = 1 << 15
        again = kernels.dropout_forward(values[:start], 0.3, seed)[0]
        np.testing.assert_array_equal(kept[:start], again)
        out, edges = guarded(values.shape, 2)
        threads(1)
        kernels.dropout_forward(values, 0.3, seed, out=out)
        assert_untouched(edges)
        np.testing.assert_array_equal(out, kept)
        return
    shape = (2, -(-FROM // 1200), 30, 40)
    x = np.resize(values, shape)
    out, edges = guarded((*shape[:2], 15, 20), 3)
    places = np.empty(out.shape, np.int32)
    kernels.maxpool_forward(x, 2, 2, 0, out=out, argmax=places)
    assert_untouched(edges)
    for n in range(0, shape[1], 997):
        want, index = kernels.maxpool_forward(x[:1, n : n + 1], 2, 2, 0)
        np.testing.assert_array_equal(out[:1, n : n + 1], want)
        np.testing.assert_array_equal(places[:1, n : n + 1], index)
    windows = x.reshape(*shape[:2], 15, 2, 20, 2).max(axis=(3, 5))
    np.testing.assert_array_equal(out, windows)


@pytest.mark.parametrize("stride", [2, 3])
def test_upsample(every_simd, threads, values, stride):
    shape = (1, -(-FROM // (stride * stride * 29 * 31)), 29, 31)
    x = np.resize(values, shape)
    want = (x * np.float32(1.5)).repeat(stride, axis=2).repeat(stride, axis=3)
    out, edges = guarded(want.shape, 9)
    kernels.upsample_cpu(x, stride, scale=1.5, out=out)
    assert_untouched(edges)
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("geometry", [(3, 1, 1), (3, 2, 1), (2, 1, 0)])
def test_columns(every_simd, threads, values, geometry):
    ksize, stride, pad = geometry
    side = 90
    channels = -(-FROM // (ksize * ksize * (side // stride - 2) ** 2))
    image = np.resize(values, (channels, side, side))
    small = kernels.im2col_cpu(image[:3], ksize, stride, pad)
    out, edges = guarded((channels * ksize * ksize, small.shape[1]), 6)
    assert out.size >= FROM
    kernels.im2col_cpu(image, ksize, stride, pad, out=out)
    assert_untouched(edges)
    np.testing.assert_array_equal(out[: len(small)], small)
    last = kernels.im2col_cpu(image[-3:].copy(), ksize, stride, pad)
    np.testing.assert_array_equal(out[-len(last) :], last)


@pytest.mark.parametrize(
    ("plane", "ksize", "pad", "dilation"),
    [
        ((56, 56), (3, 3), (1, 1), (1, 1)),
        ((31, 77), (3, 5), (0, 2), (1, 1)),
        ((40, 9), (5, 7), (4, 6), (2, 2)),
        ((50, 3), (3, 9), (1, 4), (1, 1)),
        ((70, 1), (1, 7), (0, 3), (1, 1)),
    ],
)
def test_shifted_columns(every_simd, values, plane, ksize, pad, dilation):
    """The width of the output is the image's: whole images are shifted, wherever they hang over."""
    geometry = (ksize, (1, 1), pad, dilation)
    few = 3
    small = kernels.im2col_cpu_ext(np.resize(values, (few, *plane)), *geometry)
    channels = -(-FROM * few // small.size)
    image = np.resize(values, (channels, *plane))
    out, edges = guarded((len(small) // few * channels, small.shape[1]), 6)
    assert out.size >= FROM
    kernels.im2col_cpu_ext(image, *geometry, out=out)
    assert_untouched(edges)
    for first in range(0, channels, max(few, channels // 40)):
        some = image[first : first + few].copy()
        rows = len(small) // few
        want = kernels.im2col_cpu_ext(some, *geometry)
        np.testing.assert_array_equal(out[first * rows : first * rows + len(want)], want)
