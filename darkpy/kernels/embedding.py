"""AlexeyAB's helpers for embeddings: reading one from a feature map, comparing two."""

from __future__ import annotations

import math

import numpy as np

from darkpy.engine.boundary import FloatArray, float_array, size
from darkpy.errors import ShapeError
from darkpy.kernels.blas import dot_cpu

__all__ = ["cosine_similarity", "get_embedding", "math_vector_length"]


def get_embedding(
    x: FloatArray, embedding_size: int, row: int, column: int, anchor: int = 0, image: int = 0
) -> FloatArray:
    """Copy the embedding of one anchor at one position.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, channels, height, width)
        The channels of an image are one embedding after the other, one per anchor.
    embedding_size : int
        Channels of an embedding.
    row, column, anchor, image : int
        Which one, each from 0.

    Returns
    -------
    ndarray of float32, shape (embedding_size,)
        ``x[image, anchor * embedding_size + i, row, column]``.

    Notes
    -----
    Exact.  Source: AlexeyAB's blas.c get_embedding.
    """
    x = float_array("x", x, (None, None, None, None))
    length = size("embedding_size", embedding_size)
    if length > x.shape[1]:
        raise ShapeError(f"embedding_size must be at most {x.shape[1]} channels, got {length}")
    places = {"image": image, "anchor": anchor, "row": row, "column": column}
    limits = (x.shape[0], x.shape[1] // length, x.shape[2], x.shape[3])
    for (name, place), limit in zip(places.items(), limits, strict=True):
        size(name, place, 0, limit - 1)
    return np.array(x[image, anchor * length : (anchor + 1) * length, row, column])


def math_vector_length(x: FloatArray) -> float:
    """Return the square root of the sum of x * x.  Source: AlexeyAB's blas.c math_vector_length."""
    return math.sqrt(dot_cpu(x, x))


def cosine_similarity(x: FloatArray, y: FloatArray) -> float:
    """Return ``sum of x*y / (|x| |y|)``; 0 if a length is 0, where AlexeyAB's version returns NaN.

    Error: about 8 eps sqrt(n).  Source: AlexeyAB's blas.c cosine_similarity.
    """
    product = dot_cpu(x, y)  # first: its error names the array that does not fit
    lengths = math_vector_length(x) * math_vector_length(y)
    return product / lengths if lengths else 0.0
