"""Matrix product, Darknet's ``gemm_cpu``."""

from __future__ import annotations

from darkpy.engine.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_overlap,
    output_array,
    pointer,
)
from darkpy.errors import ShapeError

__all__ = ["gemm_cpu"]


def gemm_cpu(
    a: FloatArray,
    b: FloatArray,
    *,
    ta: bool = False,
    tb: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
    out: FloatArray | None = None,
) -> FloatArray:
    """Multiply two matrices: ``out = alpha * op(a) @ op(b) + beta * out``.

    Parameters
    ----------
    a : ndarray of float32, shape (M, K), or (K, M) when `ta`
    b : ndarray of float32, shape (K, N), or (N, K) when `tb`
    ta, tb : bool
        Use the transposed matrix.
    alpha, beta : float
        With ``beta == 0`` (the default) `out` is not read, so that NaN in it does no harm.
    out : ndarray of float32, shape (M, N), optional
        Filled and returned; must not share memory with `a` or `b`.  Required when `beta` is not 0.

    Returns
    -------
    ndarray of float32, shape (M, N)

    Raises
    ------
    ShapeError, DTypeError
        Each names the argument, what was expected and what came.

    Notes
    -----
    Error of a sum: about 4 eps sqrt(K) * sum|a*b|.  The bits do not depend on the threads.
    Source: Darknet `gemm.c`, in which NaN in `out` stays NaN even if BETA is 0.
    """
    a = float_array("a", a, (None, None))
    depth, rows = a.shape if ta else a.shape[::-1]
    b = float_array("b", b, (None, depth) if tb else (depth, None))
    columns = b.shape[0] if tb else b.shape[1]
    if out is None and beta != 0:
        raise ShapeError(f"out must be given when beta is not 0, got beta {beta}")
    out = output_array("out", out, (rows, columns))
    no_overlap(out=out, a=a, b=b)
    check(
        lib.dk_gemm_cpu(
            *(int(ta), int(tb), rows, columns, depth),
            *(alpha, pointer(a), max(1, a.shape[1]), pointer(b), max(1, b.shape[1])),
            *(beta, pointer(out), max(1, columns)),
        ),
        "gemm_cpu",
    )
    return out
