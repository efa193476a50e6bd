"""Parameters: named arrays of a layer, in Darknet's shape outside and the engine's order inside."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from darkpy.engine.aligned import aligned, neighbours
from darkpy.engine.boundary import FloatArray, float_array
from darkpy.engine.finite import first_not_finite
from darkpy.engine.packing import FilterPacking, pack_all
from darkpy.errors import ShapeError

__all__ = ["Parameter", "place_together", "store_all"]


class Parameter:
    """One array of a layer.

    Parameters
    ----------
    name : str
        Such as ``weights`` or ``biases``.
    shape : tuple of int
        Darknet's shape.
    initial : callable
        Returns the initial value; called when nothing was loaded before the first use.
    packing : FilterPacking, optional
        The engine's order, where it differs from Darknet's.
    trainable : bool
        False for what only batch normalisation moves.
    decays : bool
        Whether weight decay acts on it.
    is_bias : bool
        Whether it learns at the layer's rate for biases.
    """

    #: Changes of any parameter of any network so far; while it stays, nothing derived is stale.
    changes: ClassVar[int] = 0

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        initial: Callable[[], FloatArray],
        *,
        packing: FilterPacking | None = None,
        trainable: bool = True,
        decays: bool = False,
        is_bias: bool = False,
    ) -> None:
        self.name = name
        self.shape = shape
        self.trainable = trainable
        self.decays = decays
        self.is_bias = is_bias
        self.version = 0
        self._initial = initial
        self._packing = packing
        self._place: FloatArray | None = None
        self._storage: FloatArray | None = None
        self._updates: FloatArray | None = None
        self._state: list[FloatArray] = []

    @property
    def count(self) -> int:
        """Values in Darknet's shape, which is what a weights file holds."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of `storage`."""
        return 4 * self._size

    @property
    def _size(self) -> int:
        return self.count if self._packing is None else self._packing.size

    @property
    def _dtype(self) -> npt.DTypeLike:
        return np.float32 if self._packing is None else self._packing.dtype

    @property
    def is_stored(self) -> bool:
        """Whether there is a `storage` already: with the first value."""
        return self._storage is not None

    @property
    def storage(self) -> FloatArray:
        """The engine's own memory, one-dimensional; its address never changes.

        Of float32, or of what its packing says.
        """
        if self._storage is None:
            store_all([(self, self._initial())])
        assert self._storage is not None
        return self._storage

    @property
    def updates(self) -> FloatArray:
        """Darknet's update buffer (minus the gradient, with momentum), in the engine's order."""
        if self._updates is None:
            self._updates = np.zeros_like(self.storage)
        return self._updates

    def state(self, count: int) -> list[FloatArray]:
        """Return `count` arrays like `storage` that an optimiser keeps, zeros at first."""
        while len(self._state) < count:
            self._state.append(np.zeros_like(self.storage))
        return self._state[:count]

    @property
    def value(self) -> FloatArray:
        """A read-only array in Darknet's shape (a copy where the engine's order differs)."""
        view = self.to_darknet(self.storage).view()
        view.flags.writeable = False
        return view

    def assign(self, array: object, name: str | None = None) -> None:
        """Copy `array`, float32 of Darknet's shape, into the engine's memory."""
        values = float_array(name or self.name, array, self.shape)
        if first_not_finite(values) is not None:
            raise ShapeError(f"{name or self.name} must be finite, got NaN or infinity")
        store_all([(self, values)])

    def update_value(self) -> FloatArray:
        """Return the update buffer in Darknet's shape."""
        array = self.to_darknet(self.updates)
        return array.copy() if self._packing is None else array

    def to_darknet(self, array: FloatArray) -> FloatArray:
        """Bring an array like `storage` into Darknet's shape: a copy, or a view of it."""
        if self._packing is None:
            return array.reshape(self.shape)
        return self._packing.unpack(array).reshape(self.shape)

    def from_darknet(self, values: FloatArray, out: FloatArray) -> None:
        """Fill an array like `storage` with `count` values in Darknet's order."""
        if self._packing is None:
            out[...] = values.reshape(-1)
        else:
            self._packing.pack(np.ascontiguousarray(values.reshape(self.shape)), out)

    def touched(self) -> None:
        """Say that the engine changed the values, so that derived forms are made anew."""
        self.version += 1
        Parameter.changes += 1

    def _room(self) -> FloatArray:
        """Return the memory of the value, there may be none yet."""
        if self._storage is None:
            if self._place is None:
                self._place = aligned(self._size).view(self._dtype)
            self._storage = self._place
        return self._storage


def place_together(parameters: Iterable[Parameter]) -> None:
    """Give those that have no value yet neighbouring places: see `darkpy.engine.aligned`.

    Filters come first: threads that share the packing then share the getting of the pages.
    """
    new = [parameter for parameter in parameters if not parameter.is_stored]
    new.sort(key=lambda parameter: -parameter._size)
    for parameter, place in zip(new, neighbours([p._size for p in new]), strict=True):
        parameter._place = place.view(parameter._dtype)


def store_all(items: Iterable[tuple[Parameter, FloatArray]]) -> None:
    """Do what `Parameter.assign` does, several at once, with arrays that are known to be good."""
    filters = []
    for parameter, values in items:
        storage = parameter._room()
        if parameter._packing is None:
            storage[...] = values.reshape(-1)
        else:
            plain = np.ascontiguousarray(values.reshape(parameter.shape))
            filters.append((parameter._packing, plain, storage))
        parameter.touched()
    pack_all(filters)
