"""im2col and col2im against direct indexing; they are each other's transpose."""

from __future__ import annotations

import numpy as np
import pytest
from references import kernels as reference

from darkpy.errors import ArgumentError, ShapeError
from darkpy.kernels import darknet_calls
from darkpy.kernels.col2im import col2im_cpu, col2im_cpu_ext
from darkpy.kernels.im2col import im2col_cpu, im2col_cpu_ext

CASES = [
    # channels, height, width, ksize, stride, pad, dilation
    (1, 1, 1, (1, 1), (1, 1), (0, 0), (1, 1)),
    (3, 7, 9, (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 8, 5, (2, 3), (2, 3), (0, 2), (1, 1)),
    (2, 9, 9, (3, 2), (1, 2), (4, 3), (2, 3)),
    (2, 5, 6, (1, 1), (3, 4), (2, 2), (1, 1)),
    (1, 3, 3, (5, 5), (1, 1), (4, 4), (1, 1)),
    # padding wider than the image
    (1, 1, 1, (5, 5), (1, 1), (2, 2), (1, 1)),
    (2, 2, 1, (7, 7), (1, 1), (3, 3), (1, 1)),
    (2, 1, 2, (3, 3), (1, 1), (3, 3), (3, 3)),
    (2, 3, 2, (1, 9), (1, 1), (0, 4), (1, 1)),
]


def index(case):
    """For every entry of the matrix its flat pixel, or -1 outside."""
    channels, height, width, (kh, kw), (sh, sw), (ph, pw), (dh, dw) = case
    out_h = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    out_w = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    pixels = np.full((channels, kh, kw, out_h, out_w), -1)
    for c, i, j, y, x in np.ndindex(pixels.shape):
        v, u = y * sh - ph + i * dh, x * sw - pw + j * dw
        if 0 <= v < height and 0 <= u < width:
            pixels[c, i, j, y, x] = (c * height + v) * width + u
    return pixels.reshape(channels * kh * kw, out_h * out_w)


@pytest.mark.parametrize("case", CASES)
def test_every_column_is_what_the_kernel_sees(rng, case):
    image = rng.standard_normal(case[:3]).astype(np.float32)
    pixels = index(case)
    want = np.where(pixels < 0, 0, image.ravel()[pixels])
    np.testing.assert_array_equal(im2col_cpu_ext(image, *case[3:]), want)
    out = np.full(want.shape, np.nan, np.float32)
    assert im2col_cpu_ext(image, *case[3:], out=out) is out
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("case", CASES)
def test_columns_are_added_back_to_their_pixels(rng, case):
    pixels = index(case)
    columns = rng.integers(-8, 9, pixels.shape).astype(np.float32)
    start = rng.integers(-8, 9, case[:3]).astype(np.float32)
    want = np.zeros(case[:3])
    np.add.at(want.reshape(-1), pixels[pixels >= 0], columns[pixels >= 0])
    np.testing.assert_array_equal(col2im_cpu_ext(columns, case[:3], *case[3:]), want)
    got = col2im_cpu_ext(columns, case[:3], *case[3:], out=start.copy())
    np.testing.assert_array_equal(got, want + start)


def test_the_square_forms_are_the_general_ones(rng):
    image = rng.standard_normal((3, 8, 7)).astype(np.float32)
    columns = im2col_cpu(image, 3, 2, 1)
    np.testing.assert_array_equal(columns, im2col_cpu_ext(image, (3, 3), (2, 2), (1, 1), (1, 1)))
    np.testing.assert_array_equal(
        col2im_cpu(columns, (3, 8, 7), 3, 2, 1),
        col2im_cpu_ext(columns, (3, 8, 7), (3, 3), (2, 2), (1, 1)),
    )


def test_bad_input_is_named():
    image = np.ones((1, 4, 4), np.float32)
    with pytest.raises(ShapeError, match="does not fit the height 4"):
        im2col_cpu(image, 5)
    with pytest.raises(ArgumentError, match="stride must be 1"):
        im2col_cpu(image, 3, 0)
    with pytest.raises(ShapeError, match="image must have shape"):
        im2col_cpu(image[0], 3)
    with pytest.raises(ShapeError, match=r"columns must have shape \(9, 4\)"):
        col2im_cpu(np.ones((9, 5), np.float32), (1, 4, 4), 3)
    with pytest.raises(ShapeError, match="ksize must be an integer or a pair"):
        im2col_cpu_ext(image, (1, 2, 3))


@pytest.mark.parametrize("case", CASES)
def test_flat_forms_write_in_place(every_simd, rng, case):
    channels, height, width, (kh, kw), (sh, sw), (ph, pw), (dh, dw) = case
    image = rng.standard_normal(case[:3]).astype(np.float32)
    sizes = (channels, height, width, kh, kw, ph, pw, sh, sw, dh, dw)
    want = reference.im2col_cpu_ext(image, *sizes)
    out = np.full(want.size + 2, -3, np.float32)
    darknet_calls.im2col_cpu_ext(image, *sizes, out[1:-1])
    np.testing.assert_array_equal(out[1:-1], want)
    columns = rng.integers(-8, 9, want.size).astype(np.float32)
    back = np.full(image.size + 2, -3, np.float32)
    darknet_calls.col2im_cpu_ext(columns, *sizes, back[1:-1])
    np.testing.assert_array_equal(back[1:-1], reference.col2im_cpu_ext(columns, *sizes))
    assert out[0] == out[-1] == back[0] == back[-1] == -3
    if kh == kw and sh == sw and ph == pw and dh == dw == 1:
        sizes = (channels, height, width, kh, sh, ph)
        darknet_calls.im2col_cpu(image, *sizes, out[1:-1])
        np.testing.assert_array_equal(out[1:-1], reference.im2col_cpu(image, *sizes))
        darknet_calls.col2im_cpu(columns, *sizes, back[1:-1])
        want = 2 * reference.col2im_cpu(columns, *sizes, np.zeros(image.size))
        np.testing.assert_array_equal(back[1:-1], want)


def test_flat_forms_refuse_what_does_not_fit():
    image, columns = np.ones(16, np.float32), np.ones(36, np.float32)
    with pytest.raises(ShapeError, match="data_col must hold at least 36 values, got 35"):
        darknet_calls.im2col_cpu(image, 1, 4, 4, 3, 1, 0, columns[:35])
    with pytest.raises(ShapeError, match="data_im must hold at least 16 values"):
        darknet_calls.col2im_cpu(columns, 1, 4, 4, 3, 1, 0, image[:15])
    with pytest.raises(ArgumentError, match="stride must be 1"):
        darknet_calls.im2col_cpu(image, 1, 4, 4, 3, 0, 0, columns)
    with pytest.raises(ShapeError, match="does not fit the width 2"):
        darknet_calls.im2col_cpu_ext(image, 1, 4, 2, 3, 3, 0, 0, 1, 1, 1, 1, columns)
    with pytest.raises(ShapeError, match="data_col must not share memory with data_im"):
        darknet_calls.im2col_cpu(columns, 1, 4, 4, 3, 1, 0, columns)
