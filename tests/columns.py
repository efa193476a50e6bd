"""Matrices of image columns: their geometries, and which pixel each entry holds."""

from __future__ import annotations

import numpy as np

__all__ = ["CASES", "pixels"]

#: channels, height, width, ksize, stride, pad, dilation
CASES = [
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


def pixels(case):
    """The flat pixel that each entry of the matrix holds, -1 for padding."""
    channels, height, width, (kh, kw), (sh, sw), (ph, pw), (dh, dw) = case
    out_h = (height + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    out_w = (width + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    found = np.full((channels, kh, kw, out_h, out_w), -1)
    for c, i, j, y, x in np.ndindex(found.shape):
        v, u = y * sh - ph + i * dh, x * sw - pw + j * dw
        if 0 <= v < height and 0 <= u < width:
            found[c, i, j, y, x] = (c * height + v) * width + u
    return found.reshape(channels * kh * kw, out_h * out_w)
