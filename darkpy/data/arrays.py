"""NumPy arrays as training data."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.data.dataset import ArrayDataset
from darkpy.errors import DTypeError, ShapeError

__all__ = ["dataset_from_arrays"]


def dataset_from_arrays(
    x: Any, labels: Any, names: list[str] | None = None, origin: str = "the arrays given"
) -> ArrayDataset:
    """Make a dataset from arrays without copying them.

    Parameters
    ----------
    x : array_like of uint8 (0..255) or floats (0..1), shape (n, channels, h, w) or (n, h, w)
    labels : array_like
        Class numbers, integers of shape (n,); or truth vectors, shape (n, classes).
    names : list of str, optional
        One name for each class; by default the numbers 0 .. the largest label (or the vectors'
        length - 1).
    origin : str
        For messages.

    Raises
    ------
    ShapeError, DTypeError
        Say what was expected and what was given.
    DataError
        A label without a class, or another number of labels than of images.
    """
    images, truths = np.asarray(x), np.asarray(labels)
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise ShapeError(
            f"x: shape (n, channels, height, width) or (n, height, width) expected, got"
            f" {np.shape(x)}"
        )
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise DTypeError(f"x: uint8 (0..255) or floats (0..1) expected, got {images.dtype}")
    if truths.ndim == 1:
        if truths.dtype.kind not in "iu":
            raise DTypeError(f"labels: integer class numbers expected, got {truths.dtype}")
        count = int(truths.max(initial=0)) + 1
    elif truths.ndim == 2 and truths.dtype.kind in "iufb":
        count = truths.shape[1]
    else:
        raise ShapeError(f"labels: shape (n,) or (n, classes) expected, got {truths.shape}")
    return ArrayDataset(images, truths, names or [str(i) for i in range(count)], origin)
