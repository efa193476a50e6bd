"""Embeddings of boxes and how alike they are."""

from __future__ import annotations

import numpy as np
import pytest
from references import kernels_sources as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, ShapeError
from darkpy.kernels import darknet_calls


def test_embeddings(rng):
    x = rng.standard_normal((2, 12, 3, 5)).astype(np.float32)
    got = K.get_embedding(x, 4, 2, 3, anchor=1, image=1)
    want = reference.get_embedding(x, 5, 3, 12, 4, 3, 2, 1, 1)
    np.testing.assert_array_equal(got, want.astype(np.float32))
    out = np.full(6, -3, np.float32)
    darknet_calls.get_embedding(x, 5, 3, 12, 4, 3, 2, 1, 1, out[1:-1])
    np.testing.assert_array_equal(out[1:-1], got)
    assert out[0] == out[-1] == -3
    a, b = x[0, 0].copy(), x[1, 3].copy()
    exact = reference.cosine_similarity(a, b)
    assert abs(K.cosine_similarity(a, b) - exact) < 1e-6
    assert abs(darknet_calls.cosine_similarity(a, b, a.size) - exact) < 1e-6
    assert abs(darknet_calls.math_vector_length(a, 9) - np.linalg.norm(a.ravel()[:9])) < 1e-6
    assert K.cosine_similarity(a, np.zeros_like(a)) == 0


def test_bad_input_is_named():
    x = np.ones((3, 4, 7, 7), np.float32)
    with pytest.raises(ShapeError, match="embedding_size must be at most 4 channels"):
        K.get_embedding(x, 5, 0, 0)
    with pytest.raises(ArgumentError, match="row must be 0 to 6"):
        K.get_embedding(x, 2, 7, 0)
