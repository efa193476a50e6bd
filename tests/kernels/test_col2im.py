"""Columns added back to their pixels, against direct indexing."""

from __future__ import annotations

import numpy as np
import pytest
from columns import CASES, pixels
from draw import integers
from references import kernels as reference

from darkpy.errors import ShapeError
from darkpy.kernels import darknet_calls
from darkpy.kernels.col2im import col2im_cpu, col2im_cpu_ext


@pytest.mark.parametrize("case", CASES)
def test_columns_are_added_back_to_their_pixels(rng, case):
    places = pixels(case)
    columns = integers(rng, places.shape)
    start = integers(rng, case[:3])
    want = np.zeros(case[:3])
    np.add.at(want.reshape(-1), places[places >= 0], columns[places >= 0])
    np.testing.assert_array_equal(col2im_cpu_ext(columns, case[:3], *case[3:]), want)
    got = col2im_cpu_ext(columns, case[:3], *case[3:], out=start.copy())
    np.testing.assert_array_equal(got, want + start)


def test_the_square_form_is_the_general_one(rng):
    columns = integers(rng, (27, 16))
    want = col2im_cpu_ext(columns, (3, 8, 7), (3, 3), (2, 2), (1, 1))
    np.testing.assert_array_equal(col2im_cpu(columns, (3, 8, 7), 3, 2, 1), want)


@pytest.mark.parametrize("case", CASES)
def test_darknets_calls_add_in_place(every_simd, rng, case):
    channels, height, width, (kh, kw), (sh, sw), (ph, pw), (dh, dw) = case
    sizes = (channels, height, width, kh, kw, ph, pw, sh, sw, dh, dw)
    columns = integers(rng, pixels(case).size)
    out = np.full(np.prod(case[:3]) + 2, -3, np.float32)
    darknet_calls.col2im_cpu_ext(columns, *sizes, out[1:-1])
    np.testing.assert_array_equal(out[1:-1], reference.col2im_cpu_ext(columns, *sizes))
    if kh == kw and sh == sw and ph == pw and dh == dw == 1:
        sizes = (channels, height, width, kh, sh, ph)
        darknet_calls.col2im_cpu(columns, *sizes, out[1:-1])
        want = 2 * reference.col2im_cpu(columns, *sizes, np.zeros(out.size - 2))
        np.testing.assert_array_equal(out[1:-1], want)
    assert out[0] == out[-1] == -3


def test_bad_input_is_named():
    image, columns = np.ones(16, np.float32), np.ones(36, np.float32)
    with pytest.raises(ShapeError, match=r"columns must have shape \(9, 4\)"):
        col2im_cpu(np.ones((9, 5), np.float32), (1, 4, 4), 3)
    with pytest.raises(ShapeError, match="data_im must hold at least 16 values"):
        darknet_calls.col2im_cpu(columns, 1, 4, 4, 3, 1, 0, image[:15])
