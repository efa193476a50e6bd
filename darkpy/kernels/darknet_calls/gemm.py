"""Darknet's gemm.c: its exact argument list, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer, real, size
from darkpy.kernels.darknet_calls._arguments import memory

__all__ = ["gemm_cpu"]


def gemm_cpu(
    TA: int,
    TB: int,
    M: int,
    N: int,
    K: int,
    ALPHA: float,
    A: FloatArray,
    lda: int,
    B: FloatArray,
    ldb: int,
    BETA: float,
    C: FloatArray,
    ldc: int,
) -> None:
    """``C = ALPHA * op(A) op(B) + BETA * C``, row-major, rows lda, ldb and ldc values apart.

    With a BETA of 0, C is not read (Darknet multiplies it by 0, and NaN stays NaN).
    """
    sizes = size("M", M, 0, 1 << 31), size("N", N, 0, 1 << 31), size("K", K, 0, 1 << 31)
    rows = {"lda": (K, M) if TA else (M, K), "ldb": (N, K) if TB else (K, N), "ldc": (M, N)}
    counts = []
    for (name, (height, width)), stride in zip(rows.items(), (lda, ldb, ldc), strict=True):
        size(name, stride, max(1, width), 1 << 31)
        counts.append((height - 1) * stride + width if height and width else 0)
    a, b = memory("A", A, counts[0]), memory("B", B, counts[1])
    c = memory("C", C, counts[2], writable=True)
    no_overlap(C=c, A=a, B=b)
    status = lib.dk_gemm_cpu(
        *(int(bool(TA)), int(bool(TB)), *sizes, real("ALPHA", ALPHA), pointer(a), lda),
        *(pointer(b), ldb, real("BETA", BETA), pointer(c), ldc),
    )
    check(status, "gemm_cpu")
