"""Image columns against direct indexing."""

from __future__ import annotations

import numpy as np
import pytest
from columns import CASES, pixels
from references import kernels as reference

from darkpy.errors import ArgumentError, ShapeError
from darkpy.kernels import darknet_calls
from darkpy.kernels.im2col import im2col_cpu, im2col_cpu_ext


@pytest.mark.parametrize("case", CASES)
def test_every_column_is_what_the_kernel_sees(rng, case):
    image = rng.standard_normal(case[:3]).astype(np.float32)
    places = pixels(case)
    want = np.where(places < 0, 0, image.ravel()[places])
    np.testing.assert_array_equal(im2col_cpu_ext(image, *case[3:]), want)
    out = np.full(want.shape, np.nan, np.float32)
    assert im2col_cpu_ext(image, *case[3:], out=out) is out
    np.testing.assert_array_equal(out, want)


def test_the_square_form_is_the_general_one(rng):
    image = rng.standard_normal((3, 8, 7)).astype(np.float32)
    columns = im2col_cpu(image, 3, 2, 1)
    np.testing.assert_array_equal(columns, im2col_cpu_ext(image, (3, 3), (2, 2), (1, 1), (1, 1)))


@pytest.mark.parametrize("case", CASES)
def test_darknets_calls_write_in_place(every_simd, rng, case):
    channels, height, width, (kh, kw), (sh, sw), (ph, pw), (dh, dw) = case
    image = rng.standard_normal(case[:3]).astype(np.float32)
    sizes = (channels, height, width, kh, kw, ph, pw, sh, sw, dh, dw)
    want = reference.im2col_cpu_ext(image, *sizes)
    out = np.full(want.size + 2, -3, np.float32)
    darknet_calls.im2col_cpu_ext(image, *sizes, out[1:-1])
    np.testing.assert_array_equal(out[1:-1], want)
    if kh == kw and sh == sw and ph == pw and dh == dw == 1:
        sizes = (channels, height, width, kh, sh, ph)
        out[1:-1] = np.nan
        darknet_calls.im2col_cpu(image, *sizes, out[1:-1])
        np.testing.assert_array_equal(out[1:-1], reference.im2col_cpu(image, *sizes))
    assert out[0] == out[-1] == -3


def test_bad_input_is_named():
    image = np.ones((1, 4, 4), np.float32)
    with pytest.raises(ShapeError, match="does not fit the height 4"):
        im2col_cpu(image, 5)
    with pytest.raises(ArgumentError, match="stride must be 1"):
        im2col_cpu(image, 3, 0)
    with pytest.raises(ShapeError, match="image must have shape"):
        im2col_cpu(image[0], 3)
    with pytest.raises(ShapeError, match="ksize must be an integer or a pair"):
        im2col_cpu_ext(image, (1, 2, 3))


def test_darknets_calls_refuse_what_does_not_fit():
    image, columns = np.ones(16, np.float32), np.ones(36, np.float32)
    with pytest.raises(ShapeError, match="data_col must hold at least 36 values, got 35"):
        darknet_calls.im2col_cpu(image, 1, 4, 4, 3, 1, 0, columns[:35])
    with pytest.raises(ArgumentError, match="stride must be 1"):
        darknet_calls.im2col_cpu(image, 1, 4, 4, 3, 0, 0, columns)
    with pytest.raises(ShapeError, match="does not fit the width 2"):
        darknet_calls.im2col_cpu_ext(image, 1, 4, 2, 3, 3, 0, 0, 1, 1, 1, 1, columns)
    with pytest.raises(ShapeError, match="data_col must not share memory with data_im"):
        darknet_calls.im2col_cpu(columns, 1, 4, 4, 3, 1, 0, columns)
