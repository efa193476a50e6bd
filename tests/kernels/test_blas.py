"""Element-wise kernels: NumPy's arrays and Darknet's calls against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest
from references import kernels as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, DTypeError, ShapeError
from darkpy.kernels import darknet_calls

EPS = 2.0**-23
LENGTHS = [0, 1, 3, 15, 16, 17, 63, 64, 65, 1000, (1 << 15) + 5]


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def integers(rng, *shape):
    return rng.integers(-8, 9, shape).astype(np.float32)


class Memory:
    """Flat memory of a strided vector: a view one float off alignment, canaries around."""

    def __init__(self, values, increment):
        n = (len(values) - 1) * increment + 1 if len(values) else 0
        self.block = np.full(n + 9, -777.25, np.float32)
        self.view = self.block[1 : n + 1]
        self.view[::increment] = values
        self.increment = increment

    def check(self, expected, tolerance=0.0):
        values = self.view[:: self.increment]
        assert (np.abs(values - expected) <= tolerance).all()
        clean = self.block.copy()
        clean[1 : len(self.view) + 1 : self.increment] = -777.25
        assert (clean == -777.25).all()


@pytest.mark.parametrize(("incx", "incy"), [(1, 1), (2, 1), (1, 3), (2, 2)])
@pytest.mark.parametrize("n", LENGTHS)
def test_darknets_calls_of_strided_vectors(n, incx, incy, every_simd, rng):
    values_x, values_y = integers(rng, n), integers(rng, n)
    x, a = Memory(values_x, incx), (values_x, 1)
    for name, before, after in (
        ("copy_cpu", (), reference.copy_cpu(n, *a, values_y, 1)),
        ("mul_cpu", (), reference.mul_cpu(n, *a, values_y, 1)),
        ("axpy_cpu", (-0.5,), reference.axpy_cpu(n, -0.5, *a, values_y, 1)),
        ("pow_cpu", (2,), reference.pow_cpu(n, 2, *a, values_y, 1)),
    ):
        y = Memory(values_y, incy)
        getattr(darknet_calls, name)(n, *before, x.view, incx, y.view, incy)
        y.check(after)
    x.check(values_x)
    for name, before, after in (
        ("fill_cpu", (2.5,), np.full(n, 2.5)),
        ("const_cpu", (2.5,), np.full(n, 2.5)),
        ("scal_cpu", (-2,), -2 * values_y),
        ("scal_add_cpu", (2, -1), 2 * values_y - 1),
    ):
        y = Memory(values_y, incy)
        getattr(darknet_calls, name)(n, *before, y.view, incy)
        y.check(after)
    dot = darknet_calls.dot_cpu(n, x.view, incx, Memory(values_y, incy).view, incy)
    assert dot == values_x.astype(np.float64) @ values_y


@pytest.mark.parametrize("n", LENGTHS)
def test_darknets_calls_of_several_arrays(n, every_simd, rng):
    a, b, s, dc, z = (Memory(integers(rng, n), 1) for _ in range(5))
    before = z.view.copy()
    darknet_calls.mult_add_into_cpu(n, a.view, b.view, z.view)
    z.check(reference.mult_add_into_cpu(n, a.view, b.view, before))
    for second in (b, None):
        view = None if second is None else second.view
        darknet_calls.weighted_sum_cpu(a.view, view, s.view, n, z.view)
        z.check(reference.weighted_sum_cpu(a.view, view, s.view, n))
    starts = [integers(rng, n) for _ in range(3)]
    grads = [Memory(start, 1) for start in starts]
    arrays = a.view, b.view, s.view
    darknet_calls.weighted_delta_cpu(*arrays, *(g.view for g in grads), n, dc.view)
    expected = reference.weighted_delta_cpu(*arrays, *starts, n, dc.view)
    for grad, right in zip(grads, expected, strict=True):
        grad.check(right)
    darknet_calls.weighted_delta_cpu(*arrays, None, None, grads[2].view, n, dc.view)
    grads[2].check(2 * expected[2] - starts[2])


@pytest.mark.parametrize(("nx", "ny", "batch"), [(3, 5, 4), (0, 4, 2), (40000, 33, 2), (7, 0, 1)])
def test_inter_and_deinter(nx, ny, batch, every_simd, rng):
    x, y = integers(rng, batch, nx), integers(rng, batch, ny)
    out = Memory(np.zeros(batch * (nx + ny)), 1)
    darknet_calls.inter_cpu(nx, x, ny, y, batch, out.view)
    expected = reference.inter_cpu(nx, x, ny, y, batch)
    out.check(expected)
    np.testing.assert_array_equal(K.inter_cpu(x, y), np.concatenate([x, y], axis=1))
    sums = Memory(x.ravel(), 1), Memory(y.ravel(), 1)
    darknet_calls.deinter_cpu(nx, sums[0].view, ny, sums[1].view, batch, out.view)
    sums[0].check(2 * x.ravel())
    sums[1].check(2 * y.ravel())
    darknet_calls.deinter_cpu(nx, None, ny, sums[1].view, batch, out.view)
    sums[1].check(3 * y.ravel())
    parts = K.deinter_cpu(out.view.reshape(batch, nx + ny), nx)
    np.testing.assert_array_equal(parts[0], x)
    np.testing.assert_array_equal(parts[1], y)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5), (1, 1), (0, 3), ()])
def test_numpys_arrays(shape, every_simd, rng):
    x, y, z = (integers(rng, *shape) for _ in range(3))
    for got, expected in (
        (K.fill_cpu(shape, 3), np.full(shape, 3.0)),
        (K.const_cpu(shape, -1), np.full(shape, -1.0)),
        (K.copy_cpu(x), x),
        (K.mul_cpu(x, y), x * y),
        (K.axpy_cpu(2, x, y), 2 * x + y),
        (K.scal_cpu(0.5, x), 0.5 * x),
        (K.scal_add_cpu(2, 1, x), 2 * x + 1),
        (K.constrain_cpu(3, x), np.clip(x, -3, 3)),
        (K.mult_add_into_cpu(x, y), x * y),
        (K.weighted_sum_cpu(x, y, z), z * x + (1 - z) * y),
        (K.weighted_sum_cpu(x, None, z), z * x),
        (K.binarize_cpu(x), np.where(x > 0, 1.0, -1.0)),
        (K.weighted_delta_cpu(x, y, z, x)[0], x * z),
    ):
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, expected)
    assert K.dot_cpu(x, y) == (x * y).sum()
    total = z.copy()
    assert K.mult_add_into_cpu(x, y, out=total) is total
    np.testing.assert_array_equal(total, z + x * y)
    inplace = y.copy()
    assert K.axpy_cpu(2, x, inplace, out=inplace) is inplace
    np.testing.assert_array_equal(inplace, 2 * x + y)


@pytest.mark.parametrize("alpha", [-1.5, -1, 0, 0.3, 0.5, 1, 2, 3, 7.25])
def test_pow(alpha, every_simd, rng):
    x = np.concatenate([normal(rng, 200) * 10, np.float32([0, 1, np.inf, 1e-30, 1e30])])
    if alpha != int(alpha):
        x = np.abs(x)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        exact = np.abs(x.astype(np.float64)) ** alpha * np.where((x < 0) & (alpha % 2 == 1), -1, 1)
        scale = np.abs(alpha * np.log(np.abs(x.astype(np.float64))))
    got = K.pow_cpu(alpha, x)
    inside = np.isfinite(exact) & (np.abs(exact) < 3e38) & (np.abs(exact) > 2e-38)
    scale = np.where(np.isfinite(scale), scale, 0)
    error = np.abs(got[inside] - exact[inside])
    assert (error <= ((2 + 2 * scale) * EPS * np.abs(exact))[inside]).all()
    np.testing.assert_array_equal(np.isinf(got), ~(np.abs(exact) < 3.4028235e38))
    if alpha != int(alpha):
        assert np.isnan(K.pow_cpu(alpha, np.float32([-2.0]))).all()


def test_not_finite_values(every_simd):
    x = np.float32([1, np.nan, np.inf, -np.inf, -0.0, 3e38] * 7)
    np.testing.assert_array_equal(K.fix_nan_and_inf_cpu(x), np.float32([1, 0, 0, 0, 0, 3e38] * 7))
    np.testing.assert_array_equal(K.constrain_cpu(2, x), np.clip(x, -2, 2))
    again = x.copy()
    darknet_calls.fix_nan_and_inf_cpu(again, 3)
    np.testing.assert_array_equal(again[:6], np.float32([1, 0, 0, -np.inf, 0, 3e38]))


@pytest.mark.parametrize("shape", [(3, 7), (1, 1), (64, 27), (5, 4, 3, 3), (2, 1000)])
def test_binarize(shape, every_simd, rng):
    x = normal(rng, *shape)
    n, size = shape[0], x[0].size
    x.flat[0] = 0
    expected = reference.binarize_weights(x, n, size).reshape(shape)
    np.testing.assert_allclose(K.binarize_weights(x), expected, rtol=4 * EPS * np.sqrt(size))
    np.testing.assert_array_equal(
        K.binarize_weights(integers(rng, n, 64)) * 64 % 1, np.zeros((n, 64))
    )
    expected = reference.binarize_input(x, n, size).reshape(shape)
    np.testing.assert_allclose(K.binarize_input(x), expected, rtol=n * EPS)


def test_dot_of_long_vectors(every_simd, rng):
    x, y = integers(rng, 1_000_003), np.abs(integers(rng, 1_000_003))
    assert K.dot_cpu(x, y) == (x.astype(np.float64) * y).sum()
    x, y = normal(rng, 1_000_003), normal(rng, 1_000_003)
    for first, second in ((x, y), (x, x), (x[1:4099], y[2:4100]), (x[3:], x[3:])):
        exact = first.astype(np.float64) * second
        assert abs(K.dot_cpu(first, second) - exact.sum()) <= 4 * EPS * np.abs(exact).sum()


def test_outputs_beyond_the_caches(rng):
    """Streaming stores: the same values, misaligned ends included."""
    n = (1 << 22) + 21
    x, y = rng.random(n, np.float32), rng.random(n, np.float32)
    block = np.full(n + 40, -5, np.float32)
    for offset in (0, 3, 16):
        out = block[offset : offset + n]
        for function, args, expected in (
            (K.copy_cpu, (x,), x),
            (K.mul_cpu, (x, y), x * y),
            (K.scal_cpu, (2, x), 2 * x),
            (K.axpy_cpu, (-2, x, y), y - 2 * x),
            (K.fill_cpu, (n, 7), np.full(n, 7, np.float32)),
        ):
            assert function(*args, out=out) is out
            np.testing.assert_allclose(out, expected, rtol=0, atol=EPS)
        mixed = K.weighted_sum_cpu(x, y, x, out=out)
        np.testing.assert_allclose(mixed, x * x + (1 - x) * y, rtol=4 * EPS)
        assert (block[:offset] == -5).all()
        assert (block[offset + n :] == -5).all()
        block[:] = -5


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x, y = normal(rng, 3, 70_001), normal(rng, 3, 70_001)

    def run():
        yield np.float32(K.dot_cpu(x, y))
        yield K.axpy_cpu(0.3, x, y)
        yield K.binarize_weights(x)
        yield K.binarize_input(x)
        yield K.pow_cpu(3.3, np.abs(x))

    same_bits(run)


def test_bad_arguments(rng):
    x = normal(rng, 4, 6)
    with pytest.raises(DTypeError, match="x must be"):
        K.copy_cpu(x.astype(np.float64))
    with pytest.raises(ShapeError, match="y must have shape"):
        K.mul_cpu(x, x[:2])
    with pytest.raises(ShapeError, match="contiguous"):
        K.scal_cpu(2, x[:, ::2])
    with pytest.raises(ShapeError, match="out must have shape"):
        K.scal_cpu(2, x, out=x[:2])
    with pytest.raises(ShapeError, match="share memory"):
        K.scal_cpu(2, x[1:], out=x[:-1])
    locked = x.copy()
    locked.flags.writeable = False
    with pytest.raises(ShapeError, match="read-only"):
        K.copy_cpu(x, out=locked)
    with pytest.raises(ArgumentError, match="alpha"):
        K.scal_cpu("2", x)
    with pytest.raises(ArgumentError, match="split"):
        K.deinter_cpu(x, 7)
    with pytest.raises(ShapeError, match="x must hold at least 25"):
        darknet_calls.fill_cpu(25, 1, x, 1)
    with pytest.raises(ShapeError, match="x must hold at least 25"):
        darknet_calls.fill_cpu(9, 1, x, 3)
    with pytest.raises(ArgumentError, match="incx"):
        darknet_calls.fill_cpu(3, 1, x, 0)
    with pytest.raises(ArgumentError, match="n must be"):
        darknet_calls.scal_cpu(-1, 1, x, 1)
    with pytest.raises(ShapeError, match="share memory"):
        darknet_calls.copy_cpu(3, x, 1, x, 2)
