"""Local response normalisation on the engine's tensors."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedTensor, GuardedVector, like, to_nchw, to_nhwc
from references import lrn as reference

from darkpy.engine.boundary import lib, null, struct

EPS = 2.0**-23
SHAPES = [(1, 1, 1, 1), (1, 2, 1, 3), (2, 3, 2, 8), (1, 3, 3, 17), (2, 2, 3, 64), (1, 2, 2, 75)]


def forward(x, y, norms, size, alpha, beta, kappa):
    args = {
        "x": x.struct,
        "y": y.struct,
        "size": size,
        "alpha": alpha,
        "beta": beta,
        "kappa": kappa,
        "norms": null if norms is None else norms.pointer,
    }
    assert lib.dk_lrn_forward(struct("dk_lrn_forward", args)) == lib.DK_OK


def backward(x, delta, dx, size, alpha, beta, kappa, accumulate=0):
    args = struct(
        "dk_lrn_backward",
        {
            "x": x.struct,
            "delta": delta.struct,
            "dx": dx.struct,
            "size": size,
            "alpha": alpha,
            "beta": beta,
            "kappa": kappa,
            "accumulate": accumulate,
        },
    )
    work = GuardedVector(np.full(lib.dk_lrn_backward_workspace(args) // 4, np.nan))
    args.workspace = work.pointer
    assert lib.dk_lrn_backward(args) == lib.DK_OK
    work.check()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 2, 4, 5, 19])
@pytest.mark.parametrize("beta", [0.75, 0.5, 1.0])
@pytest.mark.parametrize("accumulate", [0, 1])
def test_agrees_with_the_reference(every_simd, rng, shape, size, beta, accumulate):
    alpha, kappa = np.float32(0.3), 2.0
    x, y, delta = GuardedTensor(rng.normal(0, 2, shape)), like(shape, 4), rng.normal(0, 1, shape)
    norms, delta = GuardedVector(np.full(shape, np.nan)), GuardedTensor(delta, 1)
    before = rng.normal(0, 1, shape).astype(np.float32)
    dx = GuardedTensor(before if accumulate else np.full(shape, np.nan), 2)
    forward(x, y, norms, size, alpha, beta, kappa)
    exact, exact_norms = reference.lrn_forward(to_nchw(x.values), size, alpha, beta, kappa)
    np.testing.assert_allclose(norms.values, to_nhwc(exact_norms), rtol=(size + 2) * EPS)
    np.testing.assert_allclose(y.values, to_nhwc(exact), rtol=(size + 12) * EPS)

    backward(x, delta, dx, size, alpha, beta, kappa, accumulate)
    grad = reference.lrn_backward(
        to_nchw(delta.values), to_nchw(x.values), exact_norms, size, alpha, beta
    )
    limit = (size + 12) * EPS * (1 + abs(x.values).max() * abs(delta.values).max())
    np.testing.assert_allclose(dx.values, to_nhwc(grad) + accumulate * before, atol=limit, rtol=0)
    for guarded in (x, y, delta, dx, norms):
        guarded.check()


def test_dx_may_be_delta_and_norms_may_be_left_out(every_simd, rng):
    shape = (2, 3, 3, 40)
    x, y, plain = GuardedTensor(rng.normal(0, 1, shape)), like(shape), like(shape)
    values, results = rng.normal(0, 1, shape), []
    forward(x, plain, None, 5, 1e-2, 0.75, 1)
    for in_place in (False, True):
        delta = GuardedTensor(values)
        dx = delta if in_place else like(shape)
        forward(x, y, GuardedVector(np.zeros(shape)), 5, 1e-2, 0.75, 1)
        backward(x, delta, dx, 5, 1e-2, 0.75, 1)
        results.append(dx.values.copy())
    np.testing.assert_array_equal(plain.values, y.values)
    np.testing.assert_array_equal(*results)


def test_same_bits_for_any_number_of_threads(every_simd, rng, threads):
    x, delta = (GuardedTensor(rng.normal(0, 1, (2, 30, 31, 48))) for _ in range(2))
    results = []
    for count in (1, 2, 7):
        threads(count)
        y, dx = like(x.shape), like(x.shape)
        forward(x, y, None, 5, 1e-4, 0.75, 1)
        backward(x, delta, dx, 5, 1e-4, 0.75, 1)
        results.append(np.concatenate([y.values, dx.values]))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_bad_sizes_are_refused():
    x, y = GuardedTensor(np.ones((1, 1, 1, 4))), like((1, 1, 1, 5))
    args = {"x": x.struct, "y": y.struct, "size": 5}
    assert lib.dk_lrn_forward(struct("dk_lrn_forward", args)) == lib.DK_BAD_SHAPE
    args = {"x": x.struct, "delta": x.struct, "dx": x.struct, "size": 5}
    assert lib.dk_lrn_backward(struct("dk_lrn_backward", args)) == lib.DK_BAD_ARGUMENT
