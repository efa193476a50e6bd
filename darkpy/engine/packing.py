"""Packed filters: Darknet's (filters, channels, height, width) in the order of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.engine import boundary
from darkpy.engine.algorithms import algorithm_number, chosen_algorithm
from darkpy.engine.aligned import aligned
from darkpy.engine.boundary import FloatArray, lib, pointer

__all__ = ["Bf16Packing", "FilterPacking", "pack_all"]


class FilterPacking:
    """The packed form of one convolution's filters (csrc/engine/convolution.h).

    Parameters
    ----------
    geometry : mapping
        The fields of ``struct dk_conv_shape``.

    Attributes
    ----------
    size : int
        Number of values in the packed form.
    dtype : numpy dtype
        Their type: float32.
    """

    dtype: npt.DTypeLike = np.float32

    def __init__(self, geometry: Mapping[str, int]) -> None:
        self.geometry = dict(geometry)
        self._shape: Any = boundary.struct("dk_conv_shape", self.geometry)
        self.size = lib.dk_convolution_weights_size(self._shape)

    @property
    def filter_shape(self) -> tuple[int, int, int, int]:
        """Darknet's shape of the filters: (filters, channels / groups, height, width)."""
        g = self.geometry
        return g["filters"], g["channels"] // g["groups"], g["size_h"], g["size_w"]

    def pack(self, filters: FloatArray, packed: FloatArray) -> None:
        """Fill `packed` from `filters`."""
        status = lib.dk_convolution_pack(self._shape, pointer(filters), pointer(packed))
        boundary.check(status, "dk_convolution_pack")

    def packed(self, filters: FloatArray) -> npt.NDArray[Any]:
        """Return `filters` in the packed form, in new memory."""
        packed = aligned(self.size).view(self.dtype)
        self.pack(filters, packed)
        return packed

    def unpack(self, packed: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return the filters that `packed` holds, in `out` if it is given."""
        filters = np.empty(self.filter_shape, np.float32) if out is None else out
        status = lib.dk_convolution_unpack(self._shape, pointer(packed), pointer(filters))
        boundary.check(status, "dk_convolution_unpack")
        return filters

    def algorithm(self, batch: int, height: int, width: int) -> str:
        """The forward algorithm that the engine chooses for an output of this size."""
        return chosen_algorithm(self.geometry, batch, (height, width), "forward")

    def can(self, algorithm: str) -> bool:
        """Whether `algorithm` is able to do this convolution."""
        g = self.geometry
        if algorithm == "indirect-bf16":
            return False  # it needs filters of Bf16Packing
        if algorithm.startswith("winograd"):
            return self.winograd_size(algorithm) > 0
        if algorithm == "depthwise":
            return g["groups"] == g["channels"] == g["filters"]
        return True

    def winograd_size(self, algorithm: str) -> int:
        """Floats of the filters in the form of a Winograd algorithm; 0 if it cannot use these."""
        number = algorithm_number(algorithm)
        return lib.dk_convolution_winograd_size(self._shape, number)

    def transform(self, algorithm: str, packed: FloatArray, winograd: FloatArray) -> None:
        """Fill `winograd` with the packed filters in the form of that algorithm."""
        number = algorithm_number(algorithm)
        status = lib.dk_convolution_pack_winograd(
            self._shape, number, pointer(packed), pointer(winograd)
        )
        boundary.check(status, "dk_convolution_pack_winograd")


class Bf16Packing(FilterPacking):
    """Filters rounded to bf16, two values in a pair, for the algorithm "indirect-bf16" only.

    Attributes
    ----------
    size, dtype
        As in `FilterPacking`; a pair is a uint32.
    """

    dtype = np.uint32

    def __init__(self, geometry: Mapping[str, int]) -> None:
        super().__init__(geometry)
        self.size = lib.dk_convolution_bf16_size(self._shape)

    def pack(self, filters: FloatArray, packed: npt.NDArray[Any]) -> None:
        """Fill `packed` from `filters`, rounded to nearest."""
        pairs = pointer(packed, "uint32_t")
        status = lib.dk_convolution_pack_bf16(self._shape, pointer(filters), pairs)
        boundary.check(status, "dk_convolution_pack_bf16")

    def unpack(self, packed: npt.NDArray[Any], out: FloatArray | None = None) -> FloatArray:
        """Return the rounded filters that `packed` holds, in `out` if it is given."""
        filters = np.empty(self.filter_shape, np.float32) if out is None else out
        pairs = pointer(packed, "uint32_t")
        status = lib.dk_convolution_unpack_bf16(self._shape, pairs, pointer(filters))
        boundary.check(status, "dk_convolution_unpack_bf16")
        return filters

    def algorithm(self, batch: int, height: int, width: int) -> str:
        """Return "indirect-bf16", the only algorithm that reads these filters."""
        return "indirect-bf16"

    def can(self, algorithm: str) -> bool:
        """Whether `algorithm` reads these filters."""
        return algorithm in ("auto", "indirect-bf16")


def pack_all(items: Iterable[tuple[FilterPacking, FloatArray, npt.NDArray[Any]]]) -> None:
    """Do `pack` for each (packing, filters, packed); several float32 ones run at the same time."""
    plain = []
    for packing, filters, packed in sorted(items, key=lambda item: -item[0].size):
        if packing.dtype != np.float32:
            packing.pack(filters, packed)
            continue
        pointers = {"weights": pointer(filters), "packed": pointer(packed)}
        plain.append({"shape": packing.geometry, **pointers})
    status = lib.dk_convolution_pack_all(boundary.structs("dk_packing", plain), len(plain))
    boundary.check(status, "dk_convolution_pack_all")
