"""Darknet's blas.c on vectors, and its binarize functions: exact argument lists, in place.

Value i of x is ``x[i * incx]``; increments are 0 or more for arrays that are read, 1 or more for
those that are written. Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.engine.boundary import (
    FloatArray,
    check,
    lib,
    no_overlap,
    no_partial_overlap,
    pointer,
    real,
    size,
)
from darkpy.kernels.darknet_calls._arguments import memory, strided

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


def fill_cpu(n: int, alpha: float, x: FloatArray, incx: int) -> None:
    """``x = alpha``."""
    x = strided("x", x, n, incx, writable=True)
    check(lib.dk_fill_cpu(n, real("alpha", alpha), pointer(x), incx), "fill_cpu")


def const_cpu(n: int, alpha: float, x: FloatArray, incx: int) -> None:
    """``x = alpha``: Darknet's second name for `fill_cpu`."""
    x = strided("x", x, n, incx, writable=True)
    check(lib.dk_const_cpu(n, real("alpha", alpha), pointer(x), incx), "const_cpu")


def _two(
    n: int, x: object, incx: int, y: object, incy: int, writable: bool = True
) -> tuple[FloatArray, FloatArray]:
    read = strided("x", x, n, incx)
    written = strided("y", y, n, incy, writable=writable)
    if writable and incx == incy:
        no_partial_overlap(y=written, x=read)
    elif writable:
        no_overlap(y=written, x=read)
    return read, written


def copy_cpu(n: int, x: FloatArray, incx: int, y: FloatArray, incy: int) -> None:
    """``y = x``."""
    x, y = _two(n, x, incx, y, incy)
    check(lib.dk_copy_cpu(n, pointer(x), incx, pointer(y), incy), "copy_cpu")


def mul_cpu(n: int, x: FloatArray, incx: int, y: FloatArray, incy: int) -> None:
    """``y = x * y``."""
    x, y = _two(n, x, incx, y, incy)
    check(lib.dk_mul_cpu(n, pointer(x), incx, pointer(y), incy), "mul_cpu")


def pow_cpu(n: int, alpha: float, x: FloatArray, incx: int, y: FloatArray, incy: int) -> None:
    """``y = x ** alpha``."""
    x, y = _two(n, x, incx, y, incy)
    power = real("alpha", alpha)
    check(lib.dk_pow_cpu(n, power, pointer(x), incx, pointer(y), incy), "pow_cpu")


def axpy_cpu(n: int, alpha: float, x: FloatArray, incx: int, y: FloatArray, incy: int) -> None:
    """``y += alpha * x``."""
    x, y = _two(n, x, incx, y, incy)
    factor = real("alpha", alpha)
    check(lib.dk_axpy_cpu(n, factor, pointer(x), incx, pointer(y), incy), "axpy_cpu")


def scal_cpu(n: int, alpha: float, x: FloatArray, incx: int) -> None:
    """``x *= alpha``."""
    x = strided("x", x, n, incx, writable=True)
    check(lib.dk_scal_cpu(n, real("alpha", alpha), pointer(x), incx), "scal_cpu")


def scal_add_cpu(n: int, alpha: float, beta: float, x: FloatArray, incx: int) -> None:
    """``x = alpha * x + beta``."""
    x = strided("x", x, n, incx, writable=True)
    factors = real("alpha", alpha), real("beta", beta)
    check(lib.dk_scal_add_cpu(n, *factors, pointer(x), incx), "scal_add_cpu")


def dot_cpu(n: int, x: FloatArray, incx: int, y: FloatArray, incy: int) -> float:
    """Return the sum of ``x * y``."""
    x, y = _two(n, x, incx, y, incy, writable=False)
    total = np.zeros(1, np.float32)
    check(lib.dk_dot_cpu(n, pointer(x), incx, pointer(y), incy, pointer(total)), "dot_cpu")
    return float(total[0])


def constrain_cpu(n: int, alpha: float, x: FloatArray) -> None:
    """``x = min(max(x, -alpha), alpha)``; `n` is Darknet's `size`."""
    x = memory("x", x, size("n", n, 0), writable=True)
    check(lib.dk_constrain_cpu(n, real("alpha", alpha), pointer(x)), "constrain_cpu")


def fix_nan_and_inf_cpu(x: FloatArray, n: int) -> None:
    """NaN and infinities in x become 0; `n` is Darknet's `size`."""
    x = memory("x", x, size("n", n, 0), writable=True)
    check(lib.dk_fix_nan_and_inf_cpu(pointer(x), n), "fix_nan_and_inf_cpu")


def mult_add_into_cpu(n: int, x: FloatArray, y: FloatArray, z: FloatArray) -> None:
    """``z += x * y``."""
    size("n", n, 0)
    x, y = memory("x", x, n), memory("y", y, n)
    z = memory("z", z, n, writable=True)
    no_partial_overlap(z=z, x=x, y=y)
    status = lib.dk_mult_add_into_cpu(n, pointer(x), pointer(y), pointer(z))
    check(status, "mult_add_into_cpu")


def weighted_sum_cpu(
    a: FloatArray, b: FloatArray | None, s: FloatArray, n: int, c: FloatArray
) -> None:
    """``c = s * a + (1 - s) * b``; b = None counts as 0."""
    size("n", n, 0)
    a, s = memory("a", a, n), memory("s", s, n)
    b = None if b is None else memory("b", b, n)
    c = memory("c", c, n, writable=True)
    no_partial_overlap(c=c, a=a, b=b, s=s)
    status = lib.dk_weighted_sum_cpu(pointer(a), pointer(b), pointer(s), n, pointer(c))
    check(status, "weighted_sum_cpu")


def weighted_delta_cpu(
    a: FloatArray,
    b: FloatArray,
    s: FloatArray,
    da: FloatArray | None,
    db: FloatArray | None,
    ds: FloatArray,
    n: int,
    dc: FloatArray,
) -> None:
    """``da += dc * s; db += dc * (1 - s); ds += dc * (a - b)``; da and db may be None."""
    size("n", n, 0)
    inputs = {"a": a, "b": b, "s": s, "dc": dc}
    arrays: dict[str, FloatArray | None] = {k: memory(k, v, n) for k, v in inputs.items()}
    for name, value in (("da", da), ("db", db), ("ds", ds)):
        if value is None and name != "ds":
            arrays[name] = None
            continue
        result = memory(name, value, n, writable=True)
        no_overlap(**{name: result}, **arrays)
        arrays[name] = result
    p = {name: pointer(array) for name, array in arrays.items()}
    read, added = (p["a"], p["b"], p["s"]), (p["da"], p["db"], p["ds"])
    check(lib.dk_weighted_delta_cpu(*read, *added, n, p["dc"]), "weighted_delta_cpu")


def inter_cpu(nx: int, x: FloatArray, ny: int, y: FloatArray, batch: int, out: FloatArray) -> None:
    """Per image, nx values of x and then ny of y go to out."""
    sizes = size("nx", nx, 0) * size("batch", batch, 0), size("ny", ny, 0) * batch
    x, y = memory("x", x, sizes[0]), memory("y", y, sizes[1])
    out = memory("out", out, sum(sizes), writable=True)
    no_overlap(out=out, x=x, y=y)
    status = lib.dk_inter_cpu(nx, pointer(x), ny, pointer(y), batch, pointer(out))
    check(status, "inter_cpu")


def deinter_cpu(
    nx: int,
    x: FloatArray | None,
    ny: int,
    y: FloatArray | None,
    batch: int,
    out: FloatArray,
) -> None:
    """Per image, nx values of out are added to x and the next ny to y; both may be None."""
    sizes = size("nx", nx, 0) * size("batch", batch, 0), size("ny", ny, 0) * batch
    x = None if x is None else memory("x", x, sizes[0], writable=True)
    y = None if y is None else memory("y", y, sizes[1], writable=True)
    out = memory("out", out, sum(sizes))
    no_overlap(x=x, out=out, y=y)
    no_overlap(y=y, out=out)
    status = lib.dk_deinter_cpu(nx, pointer(x), ny, pointer(y), batch, pointer(out))
    check(status, "deinter_cpu")


def binarize_weights(weights: FloatArray, n: int, size: int, binary: FloatArray) -> None:
    """Sign times the mean magnitude of each of n filters of `size` weights, to binary."""
    _binarize(lib.dk_binarize_weights, "weights", weights, n, size, binary)


def binarize_cpu(x: FloatArray, n: int, binary: FloatArray) -> None:
    """``binary = 1 where x > 0, else -1``."""
    x = memory("x", x, size("n", n, 0))
    binary = memory("binary", binary, n, writable=True)
    no_partial_overlap(binary=binary, x=x)
    check(lib.dk_binarize_cpu(pointer(x), n, pointer(binary)), "binarize_cpu")


def binarize_input(x: FloatArray, n: int, size: int, binary: FloatArray) -> None:
    """Sign times the mean magnitude over n values, at each of `size` positions, to binary."""
    _binarize(lib.dk_binarize_input, "x", x, n, size, binary)


def _binarize(
    function: Any, name: str, x: object, filters: int, length: int, binary: object
) -> None:
    count = size("n", filters, 1) * size("size", length, 1)
    read = memory(name, x, count)
    written = memory("binary", binary, count, writable=True)
    no_partial_overlap(binary=written, **{name: read})
    check(function(pointer(read), filters, length, pointer(written)), "binarize")
