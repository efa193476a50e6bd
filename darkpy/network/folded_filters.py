"""Folding: a 1x1 convolution without activation becomes part of the filters behind it.

Networks that come from Caffe begin with such a layer: it changes the order of the colours and
subtracts the mean pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.layers.shared.filter_layer import FilterLayer

__all__ = ["FoldedFilters", "can_fold"]


def can_fold(first: FilterLayer, second: FilterLayer) -> bool:
    """Whether `first` is linear and can be folded into `second`, which must not have padding.

    False, too, if that would not save work, or if an algorithm of theirs was forced.
    """
    a, b = first.geometry, second.geometry
    sides = ("size_h", "size_w", "stride_h", "stride_w", "groups")
    return (
        first.kind == second.kind == "convolutional"
        and first.algorithm == second.algorithm == "auto"
        and second.chosen_algorithm() in ("indirect", "indirect-bf16")
        and first.is_linear
        and all(a[key] == 1 for key in sides)
        and a["pad_h"] == a["pad_w"] == b["pad_h"] == b["pad_w"] == 0
        and b["groups"] == 1
        and a["channels"] <= a["filters"]
    )


class FoldedFilters:
    """The filters and shifts of `second` as they act on the input of `first`.

    second(first(x)) = act(factor2 (W2 * (factor1 W1 x + shift1)) + shift2), so the filters are
    W2 · factor1 W1 and the shift is shift2 + factor2 (sum of W2 over its taps) · shift1, as nothing
    is padded.

    Parameters
    ----------
    first, second : FilterLayer
        Two layers for which `can_fold` is true.

    Attributes
    ----------
    geometry : dict
        The fields of ``struct dk_conv_shape``.
    weights : ndarray
        In the packing of `second`; `refresh` fills it, and its address never changes.
    shift : ndarray of float32
        Filled by `refresh`; its address never changes.
    """

    def __init__(self, first: FilterLayer, second: FilterLayer) -> None:
        self._layers = first, second
        self._versions: tuple[int, ...] = ()
        self.geometry = {**second.geometry, "channels": first.geometry["channels"]}
        self._packing = type(second.packing)(self.geometry)
        self.weights: npt.NDArray[Any] = np.zeros(self._packing.size, self._packing.dtype)
        self.shift = np.zeros(second.channels, np.float32)

    @property
    def first(self) -> int:
        """Index of the convolution that need not run."""
        return self._layers[0].index

    def fields(self) -> dict[str, Any]:
        """The fields of ``struct dk_convolution`` for the folded filters."""
        return {"shape": self.geometry, "weights": self.weights, "shift": self.shift}

    def refresh(self) -> None:
        """Fold again if a parameter changed; both layers must have been refreshed before."""
        first, second = self._layers
        parameters = [*first.parameters.values(), *second.parameters.values()]
        versions = tuple(parameter.version for parameter in parameters)
        if versions == self._versions:
            return
        w1 = first.parameters["weights"].value.astype(np.float64)[:, :, 0, 0]
        if first.factor is not None:
            w1 *= first.factor[:, None]
        w2 = second.parameters["weights"].value.astype(np.float64)
        weights = np.einsum("fmuv,mc->fcuv", w2, w1).astype(np.float32)
        self._packing.pack(np.ascontiguousarray(weights), self.weights)
        offset = w2.sum((2, 3)) @ first.shift
        if second.factor is not None:
            offset *= second.factor
        self.shift[...] = second.shift + offset
        # a parameter gets its initial value, and a new version, when it is first read
        self._versions = tuple(parameter.version for parameter in parameters)
