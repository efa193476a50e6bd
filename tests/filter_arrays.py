"""Arrays with one value per filter, for the tests of batch normalisation and biases."""

from __future__ import annotations

import numpy as np
from guarded import GuardedVector

__all__ = ["SHAPES", "layout", "vectors"]

#: (batch, filters, ...), usually (N, C, H, W)
SHAPES = [
    (1, 1),
    (5, 3),
    (37, 40),
    (300, 18),
    (600, 530),
    (1, 2, 1, 3),
    (3, 5, 7, 7),
    (2, 16, 9, 5),
    (2, 33, 28, 28),
    (1, 3, 80, 81),
    (2, 3, 4, 5, 6),
]


def layout(shape):
    """Darknet's arguments: batch, filters, values of a plane."""
    return shape[0], shape[1], int(np.prod(shape[2:]))


def vectors(rng, filters):
    """mean, variance and two more vectors, misaligned."""
    drawn = rng.normal(0, 1, filters), rng.uniform(0.3, 2, filters), *rng.normal(size=(2, filters))
    return [GuardedVector(values).values for values in drawn]
