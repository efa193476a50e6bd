"""Convolution and its gradients on NumPy arrays in Darknet's order, (N, C, H, W).

The engine works on channels-last images and packed weights; these functions convert on the way
in and out.  They serve teaching and tests: a network keeps its arrays in the engine's order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from darkpy.errors import ArgumentError, ShapeError
from darkpy.kernels.algorithms import ALGORITHMS
from darkpy.kernels.boundary import (
    FloatArray,
    check,
    float_array,
    give_workspace,
    lib,
    no_overlap,
    output_array,
    pointer,
    size,
    struct,
)
from darkpy.kernels.im2col import Pair, out_length, pair

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

    def shape(self) -> Any:
        return struct("dk_conv_shape", self.fields)

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
    step, border, spread = (
        pair("stride", stride, 1),
        pair("pad", pad, 0),
        pair("dilation", dilation, 1),
    )
    if per_group * groups != channels or filters % groups:
        raise ShapeError(
            f"weights must have shape (a multiple of groups, channels / groups, any, any) "
            f"for {channels} channels and {groups} groups, got {tuple(weights_shape)}"
        )
    out = (
        out_length("height", height, size_h, step[0], border[0], spread[0]),
        out_length("width", width, size_w, step[1], border[1], spread[1]),
    )
    fields = {
        "channels": channels,
        "filters": filters,
        "groups": groups,
        "size_h": size_h,
        "size_w": size_w,
        "stride_h": step[0],
        "stride_w": step[1],
        "pad_h": border[0],
        "pad_w": border[1],
        "dilation_h": spread[0],
        "dilation_w": spread[1],
    }
    return _Geometry(batch, (height, width), out, fields)


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


def _number(algorithm: str) -> int:
    if algorithm not in ALGORITHMS:
        raise ArgumentError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    return ALGORITHMS.index(algorithm)


def _pack_bf16(geometry: _Geometry, weights: FloatArray) -> FloatArray:
    """Pairs of bf16, seen as floats."""
    shape = geometry.shape()
    packed = np.empty(lib.dk_convolution_bf16_size(shape), np.float32)
    status = lib.dk_convolution_pack_bf16(shape, pointer(weights), pointer(packed, "uint32_t"))
    check(status, "convolution_pack_bf16")
    return packed


def _round_bf16(x: _ChannelsLast) -> _ChannelsLast:
    """The same image in pairs of bf16."""
    n, h, w, c = x.memory.shape
    pairs = _ChannelsLast((n, (c + 1) // 2, h, w))
    status = lib.dk_round_bf16(struct("dk_round_bf16", {"x": x.fields, "y": pairs.fields}))
    check(status, "round_bf16")
    return pairs


def _pack(geometry: _Geometry, weights: FloatArray) -> FloatArray:
    shape = geometry.shape()
    packed = np.empty(lib.dk_convolution_weights_size(shape), np.float32)
    check(lib.dk_convolution_pack(shape, pointer(weights), pointer(packed)), "convolution_pack")
    return packed


def _run(function: str, name: str, fields: dict[str, Any]) -> None:
    """Call lib.`function` with a struct `name` and the workspace that it asks for."""
    workspace_of = {
        "dk_convolution": lib.dk_convolution_forward_workspace,
        "dk_convolution_backward_data": lib.dk_convolution_backward_data_workspace,
        "dk_convolution_backward_weights": lib.dk_convolution_backward_weights_workspace,
    }[name]
    needed = workspace_of(struct(name, fields))
    memory = np.empty(needed // 4 + 16, np.float32)
    start = (-memory.ctypes.data % 64) // 4
    args = struct(name, fields)
    give_workspace(args, memory[start:], needed)
    check(getattr(lib, function)(args), function.removeprefix("dk_"))


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
        One of `ALGORITHMS`; KernelError when it cannot do this shape. "indirect-bf16" first rounds
        `x` and `weights` to bf16 (`darkpy.kernels.simd.has_bf16` says whether it is there).
    out : ndarray of float32, shape (batch, filters, out_h, out_w), optional
        Filled and returned; must not share memory with the inputs.

    Returns
    -------
    ndarray of float32, shape (batch, filters, out_h, out_w)
        ``out_h = (height + 2*pad - dilation*(size_h-1) - 1) // stride + 1``, `out_w` alike.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError, KernelError
        Name the argument, what was expected and what came.

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
    number = _number(algorithm)
    if not out.size:
        return out
    source, result = _ChannelsLast(geometry.x_shape(), x), _ChannelsLast(geometry.y_shape())
    if algorithm == "indirect-bf16":
        source, packed = _round_bf16(source), _pack_bf16(geometry, weights)
    else:
        packed = _pack(geometry, weights)
    fields = {
        "shape": geometry.fields,
        "x": source.fields,
        "y": result.fields,
        "weights": pointer(packed),
        "shift": pointer(biases),
        "activation": lib.DK_LINEAR,
        "algorithm": number,
    }
    _run("dk_convolution_forward", "dk_convolution", fields)
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
    """Carry the gradient of a convolution back to its input.

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
        Name the argument, what was expected and what came.

    Notes
    -----
    Linear, so it carries Darknet's `delta` (minus the gradient) as well.
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
    number = _number(algorithm)
    if not out.size:
        return out
    delta = _ChannelsLast(geometry.y_shape(), grad_y)
    result = _ChannelsLast(geometry.x_shape(), out if accumulate else None)
    packed = _pack(geometry, weights)
    fields = {
        "shape": geometry.fields,
        "dy": delta.fields,
        "dx": result.fields,
        "weights": pointer(packed),
        "accumulate": int(accumulate),
        "algorithm": number,
    }
    _run("dk_convolution_backward_data", "dk_convolution_backward_data", fields)
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
    """Gradient of a convolution in its weights.

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
        Name the argument, what was expected and what came.

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
    fresh = out is None
    out = output_array("out", out, weights_shape)
    if fresh:
        out[...] = 0
    no_overlap(out=out, x=x, grad_y=grad_y)
    number = _number(algorithm)
    if not x.size:
        return out
    source = _ChannelsLast(geometry.x_shape(), x)
    delta = _ChannelsLast(geometry.y_shape(), grad_y)
    updates, shape = _pack(geometry, out), geometry.shape()
    fields = {
        "shape": geometry.fields,
        "x": source.fields,
        "dy": delta.fields,
        "updates": pointer(updates),
        "algorithm": number,
    }
    _run("dk_convolution_backward_weights", "dk_convolution_backward_weights", fields)
    status = lib.dk_convolution_unpack(shape, pointer(updates), pointer(out))
    check(status, "convolution_unpack")
    return out
