"""Convolution and its gradients on NumPy arrays in Darknet's order, (N, C, H, W).

The engine works on channels-last images and packed weights; these functions convert on the way
in and out.  They serve teaching and tests: a network keeps its arrays in the engine's order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from darkpy.engine.algorithms import ALGORITHMS, algorithm_number
from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    float_array,
    lib,
    no_overlap,
    output_array,
    pointer,
    size,
    struct,
)
from darkpy.engine.packing import Bf16Packing, FilterPacking
from darkpy.engine.workspace import call_with_workspace
from darkpy.errors import ShapeError
from darkpy.kernels.windows import Pair, checked_windows, pair

__all__ = [
    "ALGORITHMS",
    "convolution_backward_data",
    "convolution_backward_weights",
    "convolution_forward",
]


class _Geometry(NamedTuple):
    batch: int
    plane: tuple[int, int]
    out: tuple[int, int]
    fields: dict[str, int]

    def x_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.fields["channels"], *self.plane

    def y_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.fields["filters"], *self.out


def _geometry(
    x_shape: tuple[int, ...],
    weights_shape: tuple[int, ...],
    stride: Pair,
    pad: Pair,
    dilation: Pair,
    groups: int,
) -> _Geometry:
    batch = x_shape[0]
    channels, height, width = (size("length of x", n) for n in x_shape[1:])
    filters, per_group, size_h, size_w = (size("length of weights", n) for n in weights_shape)
    groups = size("groups", groups)
    at = checked_windows((size_h, size_w), stride, pad, dilation)
    if per_group * groups != channels or filters % groups:
        raise ShapeError(
            f"weights must have shape (a multiple of groups, channels / groups, any, any) "
            f"for {channels} channels and {groups} groups, got {tuple(weights_shape)}"
        )
    fields = {
        "channels": channels,
        "filters": filters,
        "groups": groups,
        "size_h": size_h,
        "size_w": size_w,
        "stride_h": at.stride[0],
        "stride_w": at.stride[1],
        "pad_h": at.pad[0],
        "pad_w": at.pad[1],
        "dilation_h": at.dilation[0],
        "dilation_w": at.dilation[1],
    }
    return _Geometry(batch, (height, width), at.places(height, width), fields)


class _ChannelsLast:
    """A channels-last copy of an (N,C,H,W) array, and the struct that C reads."""

    def __init__(self, shape: tuple[int, int, int, int], nchw: FloatArray | None = None) -> None:
        n, c, h, w = shape
        self.memory = np.empty((n, h, w, c), np.float32)
        names = {"batch": n, "height": h, "width": w, "channels": c, "stride": c}
        self.fields = {"data": pointer(self.memory), **names}
        if nchw is not None:
            check(lib.dk_from_nchw(pointer(nchw), self.tensor()), "from_nchw")

    def tensor(self) -> Any:
        return struct("dk_tensor", self.fields)

    def to_nchw(self, out: FloatArray) -> FloatArray:
        check(lib.dk_to_nchw(self.tensor(), pointer(out)), "to_nchw")
        return out


def _round_bf16(x: _ChannelsLast) -> _ChannelsLast:
    """Return the images rounded to bf16, two channels in a pair."""
    n, h, w, c = x.memory.shape
    pairs = _ChannelsLast((n, (c + 1) // 2, h, w))
    status = lib.dk_round_bf16(struct("dk_round_bf16", {"x": x.fields, "y": pairs.fields}))
    check(status, "round_bf16")
    return pairs


def convolution_forward(
    x: FloatArray,
    weights: FloatArray,
    biases: FloatArray | None = None,
    *,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    algorithm: str = "auto",
    out: FloatArray | None = None,
) -> FloatArray:
    """Cross-correlate a batch of images with a bank of filters.

    out[b,k,y,x] = biases[k] +
    sum over c,i,j of weights[k,c,i,j] * x[b, c, y*stride-pad+i*dilation, x*stride-pad+j*dilation]

    Parameters
    ----------
    x : ndarray of float32, shape (batch, channels, height, width)
        Pixels outside the image count as 0.
    weights : ndarray of float32, shape (filters, channels/groups, size_h, size_w)
    biases : ndarray of float32, shape (filters,), optional
    stride, pad, dilation : int or (int, int)
        In pixels, for both axes or (vertical, horizontal); ``pad >= 0``, the others at least 1.
    groups : int
        Divides channels and filters; filter k sees the channels of group ``k // (filters/groups)``.
    algorithm : str
        One of `ALGORITHMS`; KernelError if it cannot do this shape. "indirect-bf16" first rounds
        `x` and `weights` to bf16; `darkpy.engine.simd.has_bf16` says whether this machine can.
    out : ndarray of float32, shape (batch, filters, out_h, out_w), optional
        Filled and returned; must not share memory with the inputs.

    Returns
    -------
    ndarray of float32, shape (batch, filters, out_h, out_w)
        ``out_h = (height + 2*pad - dilation*(size_h-1) - 1) // stride + 1``, `out_w` alike.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError, KernelError
        Each names the argument, what was expected and what came.

    Notes
    -----
    Error: |out - exact| is about 4 eps sqrt(K) * sum|w*x|, K = channels/groups * size_h * size_w.
    Source: Darknet `convolutional_layer.c` forward_convolutional_layer.
    """
    x = float_array("x", x, (None,) * 4)
    weights = float_array("weights", weights, (None,) * 4)
    geometry = _geometry(x.shape, weights.shape, stride, pad, dilation, groups)
    if biases is not None:
        biases = float_array("biases", biases, (weights.shape[0],))
    out = output_array("out", out, geometry.y_shape())
    no_overlap(out=out, x=x, weights=weights, biases=biases)
    number = algorithm_number(algorithm)
    if not out.size:
        return out
    source, result = _ChannelsLast(geometry.x_shape(), x), _ChannelsLast(geometry.y_shape())
    packing = FilterPacking(geometry.fields)
    if algorithm == "indirect-bf16":
        source, packing = _round_bf16(source), Bf16Packing(geometry.fields)
    packed = packing.packed(weights)
    fields = {
        "shape": geometry.fields,
        "x": source.fields,
        "y": result.fields,
        "weights": pointer(packed),
        "shift": pointer(biases),
        "activation": lib.DK_LINEAR,
        "algorithm": number,
    }
    call_with_workspace("dk_convolution_forward", fields)
    return result.to_nchw(out)


def convolution_backward_data(
    grad_y: FloatArray,
    weights: FloatArray,
    plane: tuple[int, int],
    *,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    algorithm: str = "auto",
    out: FloatArray | None = None,
) -> FloatArray:
    """Compute the gradient of a convolution with respect to its input.

    out[b,c,v,u] = sum over all k,y,x,i,j that read pixel (v,u) of
    weights[k,c,i,j] * grad_y[b,k,y,x]

    Parameters
    ----------
    grad_y : ndarray of float32, shape (batch, filters, out_h, out_w)
    weights : ndarray of float32, shape (filters, channels/groups, size_h, size_w)
    plane : (int, int)
        Height and width of the input.
    stride, pad, dilation, groups, algorithm
        As for `convolution_forward`.
    out : ndarray of float32, shape (batch, channels, height, width), optional
        Added to and returned; without it the sums start from 0.

    Returns
    -------
    ndarray of float32, shape (batch, channels, height, width)

    Raises
    ------
    ShapeError, DTypeError, ArgumentError, KernelError
        Each names the argument, what was expected and what came.

    Notes
    -----
    Linear, so that Darknet's `delta` (minus the gradient) can be passed as well.
    Source: Darknet `convolutional_layer.c` backward_convolutional_layer.
    """
    grad_y = float_array("grad_y", grad_y, (None,) * 4)
    weights = float_array("weights", weights, (None,) * 4)
    channels = weights.shape[1] * size("groups", groups)
    x_shape = (grad_y.shape[0], channels, *plane)
    geometry = _geometry(x_shape, weights.shape, stride, pad, dilation, groups)
    float_array("grad_y", grad_y, geometry.y_shape())
    accumulate = out is not None
    out = output_array("out", out, geometry.x_shape())
    no_overlap(out=out, grad_y=grad_y, weights=weights)
    number = algorithm_number(algorithm)
    if not out.size:
        return out
    delta = _ChannelsLast(geometry.y_shape(), grad_y)
    result = _ChannelsLast(geometry.x_shape(), out if accumulate else None)
    packed = FilterPacking(geometry.fields).packed(weights)
    fields = {
        "shape": geometry.fields,
        "dy": delta.fields,
        "dx": result.fields,
        "weights": pointer(packed),
        "accumulate": int(accumulate),
        "algorithm": number,
    }
    call_with_workspace("dk_convolution_backward_data", fields)
    return result.to_nchw(out)


def convolution_backward_weights(
    x: FloatArray,
    grad_y: FloatArray,
    ksize: Pair,
    *,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    algorithm: str = "auto",
    out: FloatArray | None = None,
) -> FloatArray:
    """Compute the gradient of a convolution with respect to its weights.

    out[k,c,i,j] = sum over b,y,x of x[b, c, y*stride-pad+i*dilation, ...] * grad_y[b,k,y,x]

    Parameters
    ----------
    x : ndarray of float32, shape (batch, channels, height, width)
    grad_y : ndarray of float32, shape (batch, filters, out_h, out_w)
    ksize : int or (int, int)
        Size of the kernel.
    stride, pad, dilation, groups, algorithm
        As for `convolution_forward`.
    out : ndarray of float32, shape (filters, channels/groups, size_h, size_w), optional
        Added to and returned; without it the sums start from 0.

    Returns
    -------
    ndarray of float32, shape (filters, channels/groups, size_h, size_w)

    Raises
    ------
    ShapeError, DTypeError, ArgumentError, KernelError
        Each names the argument, what was expected and what came.

    Notes
    -----
    Error: about 4 eps sqrt(P) * sum|x*grad_y|, P = batch * out_h * out_w.
    Source: Darknet `convolutional_layer.c` backward_convolutional_layer.
    """
    x = float_array("x", x, (None,) * 4)
    grad_y = float_array("grad_y", grad_y, (None,) * 4)
    kernel = pair("ksize", ksize, 1)
    weights_shape = (grad_y.shape[1], x.shape[1] // size("groups", groups), *kernel)
    geometry = _geometry(x.shape, weights_shape, stride, pad, dilation, groups)
    float_array("grad_y", grad_y, geometry.y_shape())
    out = accumulator("out", out, weights_shape)
    no_overlap(out=out, x=x, grad_y=grad_y)
    number = algorithm_number(algorithm)
    if not x.size:
        return out
    source = _ChannelsLast(geometry.x_shape(), x)
    delta = _ChannelsLast(geometry.y_shape(), grad_y)
    packing = FilterPacking(geometry.fields)
    updates = packing.packed(out)
    fields = {
        "shape": geometry.fields,
        "x": source.fields,
        "dy": delta.fields,
        "updates": pointer(updates),
        "algorithm": number,
    }
    call_with_workspace("dk_convolution_backward_weights", fields)
    return packing.unpack(updates, out)
