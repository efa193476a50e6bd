"""Arrays inside larger ones: what lies around them must survive a kernel."""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import pointer

CANARY = np.float32(-8.25e30)
#: A multiple of the widest vector: an `offset` of 1 is then aligned to nothing.
EDGE = 48


class GuardedTensor:
    """A channels-last batch in a larger array, its pixels wider than its channels.

    It begins `offset` floats behind a canary, or with a cache line where that is None.
    """

    def __init__(self, values, gap=3, offset=1):
        values = np.asarray(values, np.float32)
        self.shape = values.shape
        n, h, w, c = self.shape
        stride = c + gap
        self.memory = np.full(EDGE * 2 + 16 + n * h * w * stride, CANARY, np.float32)
        if offset is None:
            offset = (-self.memory.ctypes.data // 4 - EDGE) % 16
        place = slice(EDGE + offset, EDGE + offset + n * h * w * stride)
        inner = self.memory[place]
        self.pixels = inner.reshape(n, h, w, stride)
        self.inside = np.zeros(self.memory.shape, bool)
        self.inside[place].reshape(n, h, w, stride)[..., :c] = True
        self.values = self.pixels[..., :c]
        self.values[...] = values
        self.struct = {
            "data": pointer(inner),
            "batch": n,
            "height": h,
            "width": w,
            "channels": c,
            "stride": stride,
        }

    def check(self):
        """Nothing outside the values has changed."""
        assert (self.memory[~self.inside] == CANARY).all()


class GuardedVector:
    """A flat array between canaries."""

    def __init__(self, values, offset=1):
        values = np.asarray(values, np.float32)
        self.memory = np.full(EDGE * 2 + offset + values.size, CANARY, np.float32)
        flat = self.memory[EDGE + offset : EDGE + offset + values.size]
        flat[...] = values.ravel()
        self.values = flat.reshape(values.shape)
        self.pointer = pointer(flat)

    def check(self):
        """Nothing outside the values has changed."""
        edges = np.concatenate([self.memory[:EDGE], self.memory[-EDGE:]])
        assert (edges == CANARY).all()


def like(shape, gap=3, offset=1):
    """A tensor to be written: filled with NaN."""
    return GuardedTensor(np.full(shape, np.nan), gap, offset)


def none_tensor(shape):
    """A tensor whose data is NULL."""
    n, h, w, c = shape
    return {"data": pointer(None), "batch": n, "height": h, "width": w, "channels": c, "stride": c}


def to_nchw(values):
    """Channels last to (N,C,H,W), float64."""
    return np.moveaxis(np.asarray(values, np.float64), -1, 1)


def to_nhwc(values):
    """(N,C,H,W) to channels last."""
    return np.moveaxis(values, 1, -1)
