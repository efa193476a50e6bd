"""How the engine stores filters: from Darknet's (filters, channels, height, width) and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from darkpy.kernels import boundary
from darkpy.kernels.boundary import FloatArray, lib, pointer
from darkpy.kernels.convolution import ALGORITHMS, chosen_algorithm

__all__ = ["FilterPacking"]


class FilterPacking:
    """The packed form of one convolution's filters (csrc/engine/convolution.h).

    Parameters
    ----------
    geometry : mapping
        The fields of ``struct dk_conv_shape``.
    """

    def __init__(self, geometry: Mapping[str, int]) -> None:
        self.geometry = dict(geometry)
        self._shape: Any = boundary.struct("dk_conv_shape", self.geometry)
        self.size = int(lib.dk_convolution_weights_size(self._shape))
        self.transposed_size = int(lib.dk_convolution_transposed_size(self._shape))

    @property
    def filter_shape(self) -> tuple[int, int, int, int]:
        """Darknet's shape of the filters: (filters, channels / groups, height, width)."""
        g = self.geometry
        return g["filters"], g["channels"] // g["groups"], g["size_h"], g["size_w"]

    def pack(self, filters: FloatArray, packed: FloatArray) -> None:
        """Fill `packed` from `filters`."""
        status = lib.dk_convolution_pack(self._shape, pointer(filters), pointer(packed))
        boundary.check(status, "dk_convolution_pack")

    def unpack(self, packed: FloatArray) -> FloatArray:
        """Return the filters that `packed` holds."""
        filters = np.empty(self.filter_shape, np.float32)
        status = lib.dk_convolution_unpack(self._shape, pointer(packed), pointer(filters))
        boundary.check(status, "dk_convolution_unpack")
        return filters

    def algorithm(self, batch: int, height: int, width: int) -> str:
        """The forward algorithm that the engine chooses for an output of this size."""
        return chosen_algorithm(self.geometry, batch, (height, width), "forward")

    def can(self, algorithm: str) -> bool:
        """Whether `algorithm` is able to do this convolution."""
        g = self.geometry
        if algorithm.startswith("winograd"):
            return self.winograd_size(algorithm) > 0
        if algorithm == "depthwise":
            return g["groups"] == g["channels"] == g["filters"]
        return True

    def winograd_size(self, algorithm: str) -> int:
        """Floats of the filters as one of Winograd's algorithms reads them; 0: not for these."""
        number = ALGORITHMS.index(algorithm)
        return int(lib.dk_convolution_winograd_size(self._shape, number, lib.DK_CONV_FORWARD))

    def transform(self, algorithm: str, packed: FloatArray, winograd: FloatArray) -> None:
        """Fill `winograd`, that form of the packed filters."""
        number = ALGORITHMS.index(algorithm)
        status = lib.dk_convolution_pack_winograd(
            self._shape, number, lib.DK_CONV_FORWARD, pointer(packed), pointer(winograd)
        )
        boundary.check(status, "dk_convolution_pack_winograd")

    def transpose(self, packed: FloatArray, transposed: FloatArray) -> None:
        """Fill `transposed`, the form that the data gradient reads, from the packed filters."""
        status = lib.dk_convolution_pack_transposed(
            self._shape, pointer(packed), pointer(transposed)
        )
        boundary.check(status, "dk_convolution_pack_transposed")
