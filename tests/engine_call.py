"""Engine functions called with arrays in Darknet's order."""

from __future__ import annotations

import numpy as np
from guarded import GuardedTensor, to_nhwc

from darkpy.engine.boundary import check, lib, null, pointer, struct

CTYPES = {"float32": "float", "int32": "int32_t", "uint8": "uint8_t"}


class Guarded(GuardedTensor):
    """A GuardedTensor made from and read as (batch, channels, height, width)."""

    def __init__(self, nchw, gap=3, offset=1):
        super().__init__(to_nhwc(nchw), gap, offset)
        self.shape = np.shape(nchw)

    @classmethod
    def empty(cls, shape, **where):
        """Filled with NaN: what is not written shows."""
        return cls(np.full(shape, np.nan, np.float32), **where)

    @property
    def nchw(self):
        """The values, after a look at what lies around them."""
        self.check()
        return np.ascontiguousarray(np.moveaxis(self.values, -1, 1))


def call(function, kind, **fields):
    """Fill a ``struct kind`` from tensors, arrays and numbers, call, raise if it refuses."""
    check(status(function, kind, **fields), function)


def status(function, kind, **fields):
    """As `call`, and return what the function returned."""
    filled = {}
    for name, value in fields.items():
        if isinstance(value, Guarded):
            filled[name] = value.struct
        elif isinstance(value, np.ndarray):
            filled[name] = pointer(value, CTYPES[value.dtype.name])
        else:
            filled[name] = null if value is None else value
    return getattr(lib, function)(struct(kind, filled))
