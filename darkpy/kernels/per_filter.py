"""Kernels with one value per filter: their layout, and batch normalisation's variants.

Arrays are (batch, filters) or (batch, filters, ...) with any number of axes behind, usually
(N,C,H,W); per-filter arrays are (filters,).  M is the number of values of a filter: batch times the
axes behind.  A `delta` is Darknet's: minus the gradient of the loss.

Batch normalisation and biases: sums run over the whole batch in float32 blocks of at most 4096
values, joined in double precision; their error is about 2 eps sqrt(4096) of the root sum square of
their terms.  Maps are within 4 units in the last place of their largest term.  The bits do not
depend on the number of threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from darkpy.config.dialects import DIALECTS
from darkpy.engine.boundary import FloatArray, float_array, pointer
from darkpy.errors import ArgumentError, ShapeError

__all__ = ["Variant", "filter_array", "filter_vector", "plane_tensor", "variant_rules"]


class Variant(NamedTuple):
    """The rules by which one program computes batch normalisation."""

    epsilon: float
    #: True: x / sqrt(variance + epsilon); False: x / (sqrt(variance) + epsilon)
    epsilon_inside: bool
    #: True: the variance is divided by M; False: by M - 1
    biased: bool
    #: True: backward is the derivative; False: Darknet's chain
    exact: bool


# pjreddie's code for GPUs calls cuDNN.
_NAMES = {"pjreddie": "pjreddie-cpu"}

#: The variants by name: Darknet's forks, and cuDNN.
VARIANTS = {
    **{
        _NAMES.get(name, name): Variant(
            dialect.bn_epsilon, dialect.bn_epsilon_inside, biased=False, exact=False
        )
        for name, dialect in DIALECTS.items()
    },
    "cudnn": Variant(1e-5, True, biased=True, exact=True),
}


def filter_array(name: str, array: object) -> tuple[FloatArray, tuple[int, int, int]]:
    """Return the checked array and (batch, filters, spatial)."""
    checked = float_array(name, array)
    if checked.ndim < 2:
        raise ShapeError(f"{name} must have shape (batch, filters, ...), got {checked.shape}")
    batch, filters = checked.shape[:2]
    return checked, (batch, filters, int(np.prod(checked.shape[2:], dtype=np.int64)))


def filter_vector(name: str, array: object, filters: int) -> FloatArray:
    """Return the checked array of one value per filter."""
    return float_array(name, array, (filters,))


def variant_rules(name: str) -> Variant:
    """Return the one of `VARIANTS` with this name, or raise ArgumentError naming what exists."""
    if name not in VARIANTS:
        raise ArgumentError(f"variant must be one of {', '.join(VARIANTS)}, got {name!r}")
    return VARIANTS[name]


def plane_tensor(array: FloatArray, layout: tuple[int, int, int]) -> dict[str, Any]:
    """Return the struct of a dense (batch, filters, spatial) array for C's `_nchw` functions."""
    batch, filters, spatial = layout
    sizes = {"batch": batch, "height": 1, "width": spatial, "channels": filters}
    return {"data": pointer(array), **sizes, "stride": filters}
