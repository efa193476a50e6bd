"""gemm_cpu against float64 products."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedVector
from references import kernels as reference

from darkpy.engine.boundary import lib
from darkpy.errors import ArgumentError, DTypeError, ShapeError
from darkpy.kernels import darknet_calls
from darkpy.kernels.gemm import gemm_cpu

EPS = 2.0**-23
SIZES = [
    (1, 1, 1),
    (1, 64, 3),
    (7, 64, 5),
    (6, 16, 9),
    (8, 65, 17),
    (13, 63, 64),
    (3, 5, 1100),
    (50, 130, 33),
    (64, 49, 147),
    (97, 20, 520),
    # N around the most that is multiplied without packing A, and columns left for dot products.
    (9, 2, 900),
    (11, 49, 800),
    (5, 96, 30),
    (17, 100, 770),
    (31, 197, 12),
    (29, 333, 400),
    (43, 196, 400),
    # K in two pieces; rows of B that begin on the same lines of a page, with the gap of flat_gemm.
    (31, 333, 1100),
    (31, 1021, 12),
    # More rows than are packed at a time.
    (2061, 203, 3),
]


def flat_gemm(ta, tb, m, n, k, alpha, a, b, beta, c, gap):
    """dk_gemm_cpu with every leading dimension `gap` too wide and canaries around C."""

    def widen(matrix):
        wide = np.full((matrix.shape[0], matrix.shape[1] + gap), np.nan, np.float32)
        wide[:, : matrix.shape[1]] = matrix
        return wide

    wide_a, wide_b, wide_c = (
        GuardedVector(widen(a)),
        GuardedVector(widen(b)),
        GuardedVector(widen(c)),
    )
    status = lib.dk_gemm_cpu(
        *(ta, tb, m, n, k, alpha, wide_a.pointer, a.shape[1] + gap),
        *(wide_b.pointer, b.shape[1] + gap, beta, wide_c.pointer, n + gap),
    )
    assert status == lib.DK_OK
    wide_c.check()
    assert np.isnan(wide_c.values[:, n:]).all()
    return wide_c.values[:, :n]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ta", [0, 1])
@pytest.mark.parametrize("tb", [0, 1])
def test_integers_are_exact_and_real_values_within_the_bound(every_simd, rng, size, ta, tb):
    m, n, k = size
    for make in (lambda s: rng.integers(-8, 9, s), rng.standard_normal):
        a = make((k, m) if ta else (m, k)).astype(np.float32)
        b = make((n, k) if tb else (k, n)).astype(np.float32)
        c = make((m, n)).astype(np.float32)
        left, right = (x.T if t else x for x, t in ((a.astype(float), ta), (b.astype(float), tb)))
        for alpha, beta in ((1, 0), (1, 1), (2, -0.5)):
            exact = alpha * left @ right + beta * c
            limit = abs(alpha) * abs(left) @ abs(right) + abs(beta * c)
            start = c if beta else np.full_like(c, np.nan)
            got = flat_gemm(ta, tb, m, n, k, alpha, a, b, beta, start, gap=3)
            if a.dtype == np.float32 and (a == np.round(a)).all():
                np.testing.assert_array_equal(got, exact)
            else:
                assert (abs(got - exact) <= 4 * EPS * np.sqrt(k + 1) * limit).all()


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("columns", [49, 301])
def test_bits_do_not_depend_on_the_number_of_threads(every_simd, threads, rng, ta, columns):
    a = rng.standard_normal((700, 203) if ta else (203, 700)).astype(np.float32)
    b = rng.standard_normal((700, columns)).astype(np.float32)
    results = []
    for count in (1, 2, 7):
        threads(count)
        results.append(gemm_cpu(a, b, ta=ta))
    for got in results[1:]:
        np.testing.assert_array_equal(got, results[0])


@pytest.mark.parametrize("ta", [0, 1])
@pytest.mark.parametrize("tb", [0, 1])
def test_flat_form(every_simd, rng, ta, tb):
    m, n, k = 9, 21, 13
    a = rng.integers(-8, 9, (k, m + 2) if ta else (m, k + 1)).astype(np.float32)
    b = rng.integers(-8, 9, (n, k + 3) if tb else (k, n + 2)).astype(np.float32)
    c = rng.integers(-8, 9, (m, n + 4)).astype(np.float32)
    sizes = (ta, tb, m, n, k, 2.0, a, a.shape[1], b, b.shape[1], -1.0)
    want = reference.gemm_cpu(*sizes, c, n + 4)
    got = c.copy()
    darknet_calls.gemm_cpu(*sizes, got, n + 4)
    np.testing.assert_array_equal(got.ravel(), want)
    with pytest.raises(ShapeError, match="C must hold at least"):
        darknet_calls.gemm_cpu(*sizes, c[:-1].copy(), n + 4)
    with pytest.raises(ArgumentError, match="ldc must be 21"):
        darknet_calls.gemm_cpu(*sizes, c, n - 1)
    with pytest.raises(ShapeError, match="C must not share memory with A"):
        darknet_calls.gemm_cpu(*sizes[:6], c, a.shape[1], b, b.shape[1], 0.0, c, n + 4)


def test_no_product_at_all_leaves_beta_times_c():
    c = np.arange(6, dtype=np.float32).reshape(2, 3)
    a, b = np.ones((2, 0), np.float32), np.ones((0, 3), np.float32)
    np.testing.assert_array_equal(gemm_cpu(a, b, beta=2, out=c.copy()), 2 * c)
    np.testing.assert_array_equal(gemm_cpu(a, b), np.zeros((2, 3)))
    assert gemm_cpu(np.ones((0, 4), np.float32), np.ones((4, 3), np.float32)).shape == (0, 3)


def test_bad_input_is_named():
    a, b = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)
    with pytest.raises(ShapeError, match=r"b must have shape \(2, any\)"):
        gemm_cpu(a, b, ta=True)
    with pytest.raises(DTypeError, match="a must be"):
        gemm_cpu(a.astype(np.float64), b)
    with pytest.raises(ShapeError, match="out must be given"):
        gemm_cpu(a, b, beta=1)
    with pytest.raises(ShapeError, match=r"out must have shape \(2, 4\)"):
        gemm_cpu(a, b, out=np.ones((4, 2), np.float32))
    square = np.ones((3, 3), np.float32)
    with pytest.raises(ShapeError, match="out must not share memory with a"):
        gemm_cpu(square, square.copy(), out=square)
    fits = lib.dk_gemm_cpu(0, 0, 2, 2, 3, 1, *_three(a), 2, 0, GuardedVector(a).pointer, 2)
    assert fits == lib.DK_BAD_SHAPE


def _three(a):
    """A with a leading dimension too small, and B."""
    return GuardedVector(a).pointer, 2, GuardedVector(a).pointer
