"""Pooling of (batch, channels, height, width) arrays with Darknet's windows.

A size, stride or padding is one number for both axes or a pair (vertical, horizontal).  Padding
is Darknet's total over both sides: out = (in + padding - size) // stride + 1, and the window of
output i starts at pixel i * stride - padding // 2; pixels outside the image do not count.  The
bits do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    float_array,
    lib,
    no_overlap,
    null,
    output_array,
    pointer,
    struct,
)
from darkpy.errors import DTypeError, ShapeError
from darkpy.kernels.windows import Pair, pair

__all__ = [
    "avgpool_backward",
    "avgpool_forward",
    "local_avgpool_backward",
    "local_avgpool_forward",
    "maxpool_backward",
    "maxpool_forward",
]

IntArray = npt.NDArray[np.int32]

IMAGES = (None, None, None, None)
LIMIT = 1 << 24


class _Windows:
    """The geometry of one call."""

    def __init__(
        self, shape: tuple[int, ...], window: Pair, stride: Pair, padding: Pair | None
    ) -> None:
        self.planes = shape[0] * shape[1]
        self.sides = shape[2:]
        self.size = pair("size", window, 1, LIMIT)
        self.stride = pair("stride", stride, 1, LIMIT)
        default = self.size[0] - 1, self.size[1] - 1
        self.padding = pair("padding", default if padding is None else padding, 0, LIMIT)
        self.out = tuple(
            (n + p - k) // s + 1
            for n, p, k, s in zip(self.sides, self.padding, self.size, self.stride, strict=True)
        )
        if 0 in self.sides or min(self.out) < 1:
            raise ShapeError(
                f"size {self.size} with padding {self.padding} does not fit into an image of "
                f"{self.sides[0]} x {self.sides[1]} pixels"
            )
        if self.sides[0] * self.sides[1] >= 1 << 31:
            raise ShapeError(f"an image of {self.sides[0]} x {self.sides[1]} pixels is too large")
        self.out_shape = (*shape[:2], *self.out)

    def run(self, function: str, x: FloatArray, y: FloatArray, argmax: IntArray | None) -> None:
        fields: dict[str, Any] = {
            "x": pointer(x),
            "y": pointer(y),
            "argmax": null if argmax is None else pointer(argmax, "int32_t"),
            "planes": self.planes,
            "height": self.sides[0],
            "width": self.sides[1],
            "out_h": self.out[0],
            "out_w": self.out[1],
            "size_h": self.size[0],
            "size_w": self.size[1],
            "stride_h": self.stride[0],
            "stride_w": self.stride[1],
            "pad_h": self.padding[0] // 2,
            "pad_w": self.padding[1] // 2,
        }
        check(getattr(lib, f"dk_{function}")(struct("dk_nchw_pool", fields)), function)


def _check_places(argmax: IntArray, shape: tuple[int, ...]) -> None:
    is_array = isinstance(argmax, np.ndarray)
    if not is_array or argmax.dtype != np.int32 or not argmax.dtype.isnative:
        raise DTypeError(f"argmax must be a NumPy array of int32, got {argmax!r:.60}")
    float_array("argmax", argmax.view(np.float32), shape)


def maxpool_forward(
    x: FloatArray,
    size: Pair,
    stride: Pair = 1,
    padding: Pair | None = None,
    *,
    out: FloatArray | None = None,
    argmax: IntArray | None = None,
) -> tuple[FloatArray, IntArray]:
    """Take the maximum of every window.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, channels, height, width)
    size, stride, padding : int or pair of int
        In pixels; size and stride >= 1; padding is the total, size - 1 by default.
    out : ndarray, optional
        Overwritten with the maxima.
    argmax : ndarray of int32, optional
        Overwritten with their places; of the shape of the maxima.

    Returns
    -------
    y : ndarray of float32, shape (batch, channels, out_height, out_width)
        NaN and -infinity are never chosen: a window without any candidate gives -FLT_MAX,
        Darknet's initial value.
    argmax : ndarray of int32, the same shape
        row * width + column of the maximum in its plane, the first in row order; -1 for none.
        (Darknet counts over the whole batch.)

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        Naming the argument.

    Notes
    -----
    Exact.  Source: Darknet maxpool_layer.c forward_maxpool_layer.
    """
    x = float_array("x", x, IMAGES)
    windows = _Windows(x.shape, size, stride, padding)
    y = output_array("out", out, windows.out_shape)
    no_overlap(out=y, x=x)
    places = np.empty(windows.out_shape, np.int32) if argmax is None else argmax
    _check_places(places, windows.out_shape)
    if not places.flags.writeable:
        raise ShapeError("argmax must be writable, got a read-only array")
    no_overlap(argmax=places.view(np.float32), x=x, out=y)
    windows.run("maxpool_forward_nchw", x, y, places)
    return y, places


def maxpool_backward(
    delta: FloatArray,
    argmax: IntArray,
    shape: tuple[int, int],
    *,
    out: FloatArray | None = None,
) -> FloatArray:
    """Send each value of delta to the place of its maximum: ``out[b, c].flat[argmax] += delta``.

    Parameters
    ----------
    delta : ndarray of float32, shape (batch, channels, out_height, out_width)
    argmax : ndarray of int32, the same shape
        From `maxpool_forward`; each -1 or below height * width.
    shape : pair of int
        Height and width of the pooled image.
    out : ndarray, optional
        Shape (batch, channels, height, width); accumulated into.  A new array starts from 0.

    Notes
    -----
    Values for the same pixel are added in row order.  Source: Darknet maxpool_layer.c.
    """
    delta = float_array("delta", delta, IMAGES)
    height, width = pair("shape", shape, 1, LIMIT)
    _check_places(argmax, delta.shape)
    if argmax.size and not (-1 <= argmax.min() and argmax.max() < height * width):
        raise ShapeError(f"argmax must lie within -1 .. {height * width - 1}")
    result = accumulator("out", out, (*delta.shape[:2], height, width))
    no_overlap(out=result, delta=delta, argmax=argmax.view(np.float32))
    if delta.size:
        windows = _Windows(result.shape, 1, 1, 0)
        windows.out = delta.shape[2:]
        windows.run("maxpool_backward_nchw", result, delta, argmax)
    return result


def local_avgpool_forward(
    x: FloatArray,
    size: Pair,
    stride: Pair = 1,
    padding: Pair | None = None,
    *,
    out: FloatArray | None = None,
) -> FloatArray:
    """Take the mean of every window's pixels inside the image; 0 where there are none.

    Arguments as for `maxpool_forward`; overwrites out.  Error: eps times the window's pixels
    times the mean of |x|. Source: AlexeyAB's local_avgpool.
    """
    x = float_array("x", x, IMAGES)
    windows = _Windows(x.shape, size, stride, padding)
    y = output_array("out", out, windows.out_shape)
    no_overlap(out=y, x=x)
    windows.run("local_avgpool_forward_nchw", x, y, None)
    return y


def local_avgpool_backward(
    delta: FloatArray,
    shape: tuple[int, int],
    size: Pair,
    stride: Pair = 1,
    padding: Pair | None = None,
    *,
    out: FloatArray | None = None,
) -> FloatArray:
    """Divide each value of delta among the pixels of its window that lie inside the image.

    ``out += delta / (pixels inside)`` at each of them: the derivative of
    `local_avgpool_forward` (AlexeyAB's version divides by size * size at the borders, too).  shape:
    height and width of the pooled image; the other arguments are those of the forward pass.
    Accumulates into out (batch, channels, height, width); a new array starts from 0.
    """
    delta = float_array("delta", delta, IMAGES)
    height, width = pair("shape", shape, 1, LIMIT)
    windows = _Windows((*delta.shape[:2], height, width), size, stride, padding)
    delta = float_array("delta", delta, windows.out_shape)
    result = accumulator("out", out, (*delta.shape[:2], height, width))
    no_overlap(out=result, delta=delta)
    windows.run("local_avgpool_backward_nchw", result, delta, None)
    return result


def avgpool_forward(x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Take the mean of every plane: (batch, channels, height, width) to (batch, channels, 1, 1).

    Overwrites out.  Error: 4 eps sqrt(height * width) times the mean of abs(x).
    Source: Darknet avgpool_layer.c forward_avgpool_layer.
    """
    x = float_array("x", x, IMAGES)
    batch, channels, height, width = x.shape
    if height * width == 0:
        raise ShapeError(f"x must have at least one pixel, got shape {x.shape}")
    y = output_array("out", out, (batch, channels, 1, 1))
    no_overlap(out=y, x=x)
    planes, pixels = batch * channels, height * width
    status = lib.dk_avgpool_forward_nchw(pointer(x), planes, pixels, pointer(y))
    check(status, "avgpool_forward")
    return y


def avgpool_backward(
    delta: FloatArray, shape: tuple[int, int], *, out: FloatArray | None = None
) -> FloatArray:
    """Spread each plane's delta evenly: ``out += delta / (height * width)``.

    delta (batch, channels, 1, 1); shape: height and width.  Accumulates into out (batch,
    channels, height, width); a new array starts from 0.  Source: Darknet avgpool_layer.c
    backward_avgpool_layer.
    """
    delta = float_array("delta", delta, (None, None, 1, 1))
    height, width = pair("shape", shape, 1, LIMIT)
    result = accumulator("out", out, (*delta.shape[:2], height, width))
    no_overlap(out=result, delta=delta)
    sizes = delta.size, height * width
    status = lib.dk_avgpool_backward_nchw(pointer(result), *sizes, pointer(delta))
    check(status, "avgpool_backward")
    return result
