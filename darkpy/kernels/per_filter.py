"""What kernels with one value per filter share: layout, and batch normalisation's variants."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.engine.boundary import FloatArray, float_array, pointer
from darkpy.errors import ArgumentError, ShapeError

__all__ = ["VARIANTS", "filter_vector", "per_filter", "plane_tensor", "variant_rules"]

#: variant -> epsilon, whether it stands inside the root, divisor M (else M - 1), exact backward
VARIANTS: dict[str, tuple[float, bool, bool, bool]] = {
    "pjreddie-cpu": (1e-6, False, False, False),
    "alexeyab": (1e-5, True, False, False),
    "cudnn": (1e-5, True, True, True),
}


def per_filter(name: str, array: object) -> tuple[FloatArray, tuple[int, int, int]]:
    """Return the checked array and (batch, filters, spatial)."""
    checked = float_array(name, array)
    if checked.ndim < 2:
        raise ShapeError(f"{name} must have shape (batch, filters, ...), got {checked.shape}")
    batch, filters = checked.shape[:2]
    return checked, (batch, filters, int(np.prod(checked.shape[2:], dtype=np.int64)))


def filter_vector(name: str, array: object, filters: int) -> FloatArray:
    """Return the checked array of one value per filter."""
    return float_array(name, array, (filters,))


def variant_rules(name: str) -> tuple[float, bool, bool, bool]:
    """Return a variant's row of `VARIANTS`, or raise ArgumentError naming what exists."""
    if name not in VARIANTS:
        raise ArgumentError(f"variant must be one of {', '.join(VARIANTS)}, got {name!r}")
    return VARIANTS[name]


def plane_tensor(array: FloatArray, layout: tuple[int, int, int]) -> dict[str, Any]:
    """Return the struct of a dense (batch, filters, spatial) array for C's `_nchw` functions."""
    batch, filters, spatial = layout
    sizes = {"batch": batch, "height": 1, "width": spatial, "channels": filters}
    return {"data": pointer(array), **sizes, "stride": filters}
