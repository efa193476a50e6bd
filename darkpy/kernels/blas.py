"""Darknet's element-wise kernels (blas.c) on arrays of any shape.

Each function returns a new float32 array or fills ``out=``, which may be one of the inputs
itself (in place), but must not overlap one otherwise.  Arrays are C-contiguous float32 of equal
shapes; a wrong one raises DTypeError or ShapeError.  The bits do not depend on the number of
threads.  The error is one rounding per operation unless a docstring says otherwise.  Outputs that
exceed the caches are written with non-temporal stores.  ``darkpy.kernels.darknet_calls`` has
Darknet's argument lists (n, increments).
"""

from __future__ import annotations

from collections.abc import Sequence
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
from darkpy.errors import ArgumentError, ShapeError

__all__ = [
    "axpy_cpu",
    "binarize_cpu",
    "binarize_input",
    "binarize_weights",
    "const_cpu",
    "constrain_cpu",
    "copy_cpu",
    "deinter_cpu",
    "dot_cpu",
    "fill_cpu",
    "fix_nan_and_inf_cpu",
    "inter_cpu",
    "mul_cpu",
    "mult_add_into_cpu",
    "pow_cpu",
    "scal_add_cpu",
    "scal_cpu",
    "weighted_delta_cpu",
    "weighted_sum_cpu",
]


def _like(out: object, **inputs: object) -> tuple[FloatArray, ...]:
    """Return the output and the inputs, checked: equal shapes, and no partial overlap."""
    arrays: dict[str, FloatArray] = {}
    shape: tuple[int, ...] | None = None
    for name, value in inputs.items():
        arrays[name] = float_array(name, value, shape)
        shape = arrays[name].shape
    result = output_array("out", out, shape or ())
    no_partial_overlap(out=result, **arrays)
    return (result, *arrays.values())


def fill_cpu(
    shape: int | Sequence[int], alpha: float, *, out: FloatArray | None = None
) -> FloatArray:
    """Return an array of this shape with alpha everywhere: ``out = alpha``.

    Overwrites out.  Exact.  Source: Darknet blas.c fill_cpu.
    """
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    for length in lengths:
        size("shape", length, 0)
    if prod(lengths) > 1 << 38:
        raise ArgumentError(f"shape {lengths} is too large")
    result = output_array("out", out, lengths)
    check(lib.dk_fill_cpu(result.size, real("alpha", alpha), pointer(result), 1), "fill_cpu")
    return result


def const_cpu(
    shape: int | Sequence[int], alpha: float, *, out: FloatArray | None = None
) -> FloatArray:
    """Call `fill_cpu`, for which Darknet has this second name."""
    return fill_cpu(shape, alpha, out=out)


def copy_cpu(x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Copy: ``out = x``, bit for bit.

    Overwrites out.  Source: Darknet blas.c copy_cpu.
    """
    result, x = _like(out, x=x)
    if result.ctypes.data != x.ctypes.data:
        check(lib.dk_copy_cpu(x.size, pointer(x), 1, pointer(result), 1), "copy_cpu")
    return result


def mul_cpu(x: FloatArray, y: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Multiply: ``out = x * y``.

    Overwrites out (Darknet: y).  Source: Darknet blas.c mul_cpu.
    """
    result, x, y = _like(out, x=x, y=y)
    check(lib.dk_product(x.size, pointer(x), pointer(y), pointer(result)), "mul_cpu")
    return result


def pow_cpu(alpha: float, x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Raise to a power: ``out = x ** alpha``; NaN for x < 0 unless alpha is a whole number.

    Overwrites out.  Error: 2 + 2 |alpha ln x| units in the last place; alpha = 0, 1, 2 and 0.5:
    one rounding. Source: Darknet blas.c pow_cpu.
    """
    result, x = _like(out, x=x)
    status = lib.dk_pow_cpu(x.size, real("alpha", alpha), pointer(x), 1, pointer(result), 1)
    check(status, "pow_cpu")
    return result


def axpy_cpu(
    alpha: float, x: FloatArray, y: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Add a multiple: ``out = alpha * x + y``.

    Overwrites out; ``out=y`` is Darknet's y += alpha x.  Source: Darknet blas.c axpy_cpu.
    """
    result, x, y = _like(out, x=x, y=y)
    factor = real("alpha", alpha)
    status = lib.dk_combine(x.size, 1, pointer(y), factor, pointer(x), pointer(result))
    check(status, "axpy_cpu")
    return result


def scal_cpu(alpha: float, x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Scale: ``out = alpha * x``.

    Overwrites out.  Source: Darknet blas.c scal_cpu.
    """
    return scal_add_cpu(alpha, 0.0, x, out=out)


def scal_add_cpu(
    alpha: float, beta: float, x: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Scale and shift: ``out = alpha * x + beta``.

    Overwrites out.  Source: AlexeyAB's blas.c scal_add_cpu.
    """
    result, x = _like(out, x=x)
    factor, shift = real("alpha", alpha), real("beta", beta)
    check(lib.dk_affine(x.size, factor, shift, pointer(x), pointer(result)), "scal_add_cpu")
    return result


def dot_cpu(x: FloatArray, y: FloatArray) -> float:
    """Return the sum of x * y.

    Error: at most 260 eps sum |x y|, usually a few eps: blocks of at most 4096 products are summed
    in float32, and the blocks in double precision.
    Source: Darknet blas.c dot_cpu.
    """
    x = float_array("x", x)
    y = float_array("y", y, x.shape)
    total = output_array("sum", None, (1,))
    check(lib.dk_dot_cpu(x.size, pointer(x), 1, pointer(y), 1, pointer(total)), "dot_cpu")
    return float(total[0])


def constrain_cpu(alpha: float, x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Clamp: ``out = min(max(x, -alpha), alpha)``; NaN stays NaN (AlexeyAB's becomes -alpha).

    Overwrites out.  Exact.  Source: AlexeyAB's blas.c constrain_cpu.
    """
    result, x = _like(out, x=x)
    limit = real("alpha", alpha)
    check(lib.dk_constrain(x.size, limit, pointer(x), pointer(result)), "constrain_cpu")
    return result


def fix_nan_and_inf_cpu(x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Replace NaN and infinities by 0: ``out = x where finite, else 0``.

    AlexeyAB's version writes 1/i at position i, which is infinite for i = 0.  Overwrites out.
    Exact.
    """
    result, x = _like(out, x=x)
    check(lib.dk_make_finite(x.size, pointer(x), pointer(result)), "fix_nan_and_inf_cpu")
    return result


def mult_add_into_cpu(x: FloatArray, y: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Add a product: ``out += x * y``.

    Accumulates into out; a new array starts from 0.  Source: Darknet blas.c mult_add_into_cpu.
    """
    x = float_array("x", x)
    y = float_array("y", y, x.shape)
    result = accumulator("out", out, x.shape)
    no_partial_overlap(out=result, x=x, y=y)
    status = lib.dk_mult_add_into_cpu(x.size, pointer(x), pointer(y), pointer(result))
    check(status, "mult_add_into_cpu")
    return result


def weighted_sum_cpu(
    a: FloatArray, b: FloatArray | None, s: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Mix by a mask: ``out = s * a + (1 - s) * b``, b = None counting as 0.

    Overwrites out.  Error: 3 roundings.  Source: Darknet blas.c weighted_sum_cpu.
    """
    if b is None:
        result, a, s = _like(out, a=a, s=s)
    else:
        result, a, s, b = _like(out, a=a, s=s, b=b)
    status = lib.dk_weighted_sum_cpu(pointer(a), pointer(b), pointer(s), a.size, pointer(result))
    check(status, "weighted_sum_cpu")
    return result


def weighted_delta_cpu(
    a: FloatArray,
    b: FloatArray,
    s: FloatArray,
    dc: FloatArray,
    *,
    da: FloatArray | None = None,
    db: FloatArray | None = None,
    ds: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Go back through `weighted_sum_cpu`: ``da += dc s; db += dc (1-s); ds += dc (a-b)``.

    Accumulates into da, db and ds, which it returns; those not given start from 0.
    Source: Darknet blas.c weighted_delta_cpu.
    """
    a = float_array("a", a)
    inputs = {"a": a, "b": b, "s": s, "dc": dc}
    arrays = {name: float_array(name, value, a.shape) for name, value in inputs.items()}
    given = {"da": da, "db": db, "ds": ds}
    results = {name: accumulator(name, value, a.shape) for name, value in given.items()}
    others = dict(arrays)
    for name, result in results.items():
        no_overlap(**{name: result}, **others)
        others[name] = result
    p = {name: pointer(array) for name, array in others.items()}
    read, added = (p["a"], p["b"], p["s"]), (p["da"], p["db"], p["ds"])
    check(lib.dk_weighted_delta_cpu(*read, *added, a.size, p["dc"]), "weighted_delta_cpu")
    return results["da"], results["db"], results["ds"]


def _rows(name: str, x: object) -> FloatArray:
    array = float_array(name, x)
    if array.ndim < 2:
        raise ShapeError(f"{name} must have at least 2 axes, got shape {array.shape}")
    return array


def inter_cpu(x: FloatArray, y: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Join along axis 1, image by image: x (N, A, ...) and y (N, B, ...) give (N, A + B, ...).

    Overwrites out.  Exact.  Source: Darknet blas.c inter_cpu.
    """
    x, y = _rows("x", x), _rows("y", y)
    y = float_array("y", y, (x.shape[0], None, *x.shape[2:]))
    result = output_array("out", out, (x.shape[0], x.shape[1] + y.shape[1], *x.shape[2:]))
    no_overlap(out=result, x=x, y=y)
    nx, ny = prod(x.shape[1:]), prod(y.shape[1:])
    status = lib.dk_inter_cpu(nx, pointer(x), ny, pointer(y), x.shape[0], pointer(result))
    check(status, "inter_cpu")
    return result


def deinter_cpu(
    joined: FloatArray, split: int, *, x: FloatArray | None = None, y: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Split along axis 1: ``x += joined[:, :split]; y += joined[:, split:]``.

    Accumulates into x (N, split, ...) and y (N, C - split, ...), which it returns; those not
    given start from 0. Source: Darknet blas.c deinter_cpu.
    """
    joined = _rows("joined", joined)
    batch, channels, *rest = joined.shape
    size("split", split, 0, channels)
    x = accumulator("x", x, (batch, split, *rest))
    y = accumulator("y", y, (batch, channels - split, *rest))
    no_overlap(x=x, joined=joined, y=y)
    no_overlap(y=y, joined=joined)
    nx, ny = split * prod(rest), (channels - split) * prod(rest)
    check(lib.dk_deinter_cpu(nx, pointer(x), ny, pointer(y), batch, pointer(joined)), "deinter_cpu")
    return x, y


def binarize_weights(weights: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Return sign(w) times the mean |w| of its filter, for weights (filters, ...).

    0 counts as negative.  Overwrites out.  Error: 4 eps sqrt(size) times the mean.
    Source: Darknet convolutional_layer.c binarize_weights.
    """
    weights = _rows("weights", weights)
    result = output_array("out", out, weights.shape)
    no_partial_overlap(out=result, weights=weights)
    if weights.size:
        n = weights.shape[0]
        status = lib.dk_binarize_weights(pointer(weights), n, weights.size // n, pointer(result))
        check(status, "binarize_weights")
    return result


def binarize_cpu(x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Return 1 where x > 0, else -1 (NaN too).

    Overwrites out.  Exact.  Source: Darknet convolutional_layer.c binarize_cpu.
    """
    result, x = _like(out, x=x)
    check(lib.dk_binarize_cpu(pointer(x), x.size, pointer(result)), "binarize_cpu")
    return result


def binarize_input(x: FloatArray, *, out: FloatArray | None = None) -> FloatArray:
    """Return sign(x) times the mean |x| over axis 0 at the same position, x (n, ...).

    Overwrites out.  Error: n eps times the mean.  Source: Darknet convolutional_layer.c
    binarize_input.
    """
    x = _rows("x", x)
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x)
    if x.size:
        n = x.shape[0]
        status = lib.dk_binarize_input(pointer(x), n, x.size // n, pointer(result))
        check(status, "binarize_input")
    return result
