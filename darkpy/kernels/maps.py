"""Darknet's kernels that move whole feature maps: arrays (batch, channels, height, width).

Each function returns a new float32 array or fills ``out=``, which must not overlap an input
unless its docstring says so.  The bits do not depend on the number of threads.
"""

from __future__ import annotations

from math import prod

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    float_array,
    lib,
    no_overlap,
    no_partial_overlap,
    output_array,
    pointer,
    real,
    size,
)
from darkpy.errors import ShapeError
from darkpy.kernels.blas import copy_cpu

__all__ = ["flatten", "reorg_cpu", "shortcut_cpu", "upsample_cpu"]

IMAGES = (None, None, None, None)


def reorg_cpu(
    x: FloatArray, stride: int = 2, *, forward: bool = False, out: FloatArray | None = None
) -> FloatArray:
    """Change between space and depth in Darknet's own order, which the weights of YOLOv2 need.

    With c' = channels / stride**2 and, for every k, j, i, o = k // c',
    A = flat index of (b, k, j, i) in x's shape, B = flat index of
    (b, k % c', j*stride + o // stride, i*stride + o % stride) in a (batch, c', height*stride,
    width*stride) array: ``out.flat[A] = x.flat[B]``, or ``out.flat[B] = x.flat[A]`` with
    forward.  This is not the usual space-to-depth: the memory of x is read as if it were the finer
    map.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, channels, height, width)
        channels must be a multiple of stride**2; height and width of stride unless forward.
    forward : bool
        Darknet's argument of that name, the layer's ``reverse=1``.

    Returns
    -------
    ndarray of float32, shape (batch, channels * stride**2, height / stride, width / stride), or
    with forward
        (batch, channels / stride**2, height * stride, width * stride).  Overwritten.

    Notes
    -----
    Exact.  Source: Darknet blas.c reorg_cpu.
    """
    x = float_array("x", x, IMAGES)
    batch, channels, height, width = x.shape
    block = size("stride", stride, 1, 1 << 20) ** 2
    if channels % block or (not forward and (height % stride or width % stride)):
        raise ShapeError(
            f"x must have channels divisible by {block}"
            f"{'' if forward else f' and sides divisible by {stride}'}, got shape {x.shape}"
        )
    if forward:
        shape = (batch, channels // block, height * stride, width * stride)
    else:
        shape = (batch, channels * block, height // stride, width // stride)
    result = output_array("out", out, shape)
    no_overlap(out=result, x=x)
    if x.size:
        sizes = (width, height, channels, batch, stride, int(forward))
        check(lib.dk_reorg_cpu(pointer(x), *sizes, pointer(result)), "reorg_cpu")
    return result


def flatten(x: FloatArray, *, forward: bool = True, out: FloatArray | None = None) -> FloatArray:
    """Transpose each image: (batch, layers, ...) to (batch, size, layers), or back without forward.

    ``out[b, i, k] = x[b, k, i]`` with size = the product of the axes behind `layers`; without
    forward x is (batch, size, layers) and ``out[b, k, i] = x[b, i, k]``.  Overwrites out.
    Exact. Source: Darknet blas.c flatten (there in place).
    """
    x = float_array("x", x)
    if x.ndim < 2 or (not forward and x.ndim != 3):
        wanted = "at least 2 axes" if forward else "3 axes (batch, size, layers)"
        raise ShapeError(f"x must have {wanted}, got shape {x.shape}")
    batch = x.shape[0]
    layers, length = (x.shape[1], prod(x.shape[2:])) if forward else (x.shape[2], x.shape[1])
    result = output_array(
        "out", out, (batch, length, layers) if forward else (batch, layers, length)
    )
    no_overlap(out=result, x=x)
    if x.size:
        status = lib.dk_flatten(pointer(x), length, layers, batch, int(forward), pointer(result))
        check(status, "flatten")
    return result


def shortcut_cpu(
    x: FloatArray,
    add: FloatArray,
    s1: float = 1.0,
    s2: float = 1.0,
    *,
    out: FloatArray | None = None,
) -> FloatArray:
    """Add a map, perhaps of another size: ``s1 * x + s2 * add`` where they meet, x elsewhere.

    With stride = max(1, w_add // w_x) and sample = max(1, w_x // w_add), which must be the same for
    the heights, x[b, k, j*sample, i*sample] meets add[b, k, j*stride, i*stride], for k, j, i below
    the smaller sizes.

    Parameters
    ----------
    x, add : ndarray of float32, shape (batch, channels, height, width)
        The batch must be the same.
    out : ndarray, optional
        x's shape; may be x itself, as in Darknet.  Overwritten.

    Notes
    -----
    Error: 2 roundings.  Source: Darknet blas.c shortcut_cpu.
    """
    x = float_array("x", x, IMAGES)
    add = float_array("add", add, (x.shape[0], None, None, None))
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x)
    no_overlap(out=result, add=add)
    factors = real("s1", s1), real("s2", s2)
    batch, c2, h2, w2 = x.shape
    _, c1, h1, w1 = add.shape
    if not x.size or not add.size:
        return copy_cpu(x, out=result)
    if (max(1, w1 // w2), max(1, w2 // w1)) != (max(1, h1 // h2), max(1, h2 // h1)):
        raise ShapeError(
            "add must differ from x by the same factor in height and width, "
            f"got shapes {add.shape} and {x.shape}"
        )
    if x.shape == add.shape:
        terms = factors[0], pointer(x), factors[1], pointer(add)
        check(lib.dk_combine(x.size, *terms, pointer(result)), "shortcut_cpu")
        return result
    copy_cpu(x, out=result)
    sizes = (batch, w1, h1, c1, pointer(add), w2, h2, c2, *factors)
    check(lib.dk_shortcut_cpu(*sizes, pointer(result)), "shortcut_cpu")
    return result


def upsample_cpu(
    x: FloatArray,
    stride: int = 2,
    *,
    forward: bool = True,
    scale: float = 1.0,
    out: FloatArray | None = None,
) -> FloatArray:
    """Enlarge by repeating pixels, or go back.

    forward: ``out[..., j, i] = scale * x[..., j // stride, i // stride]``, out (batch,
    channels, height*stride, width*stride), overwritten.  Otherwise ``out[..., j, i] += scale *
    sum of x's stride x stride block``, out (batch, channels, height/stride, width/stride),
    accumulated into; a new array starts from 0.

    Notes
    -----
    Error: one rounding; stride**2 roundings backward.  Source: Darknet blas.c upsample_cpu.
    """
    x = float_array("x", x, IMAGES)
    size("stride", stride, 1, 1 << 20)
    factor = real("scale", scale)
    batch, channels, height, width = x.shape
    if forward:
        result = output_array("out", out, (batch, channels, height * stride, width * stride))
        small, large = x, result
    else:
        if height % stride or width % stride:
            raise ShapeError(f"x must have sides divisible by {stride}, got shape {x.shape}")
        result = accumulator("out", out, (batch, channels, height // stride, width // stride))
        small, large = result, x
    no_overlap(out=result, x=x)
    if x.size:
        _, _, h, w = small.shape
        sizes = (w, h, channels, batch, stride, int(forward), factor)
        check(lib.dk_upsample_cpu(pointer(small), *sizes, pointer(large)), "upsample_cpu")
    return result
