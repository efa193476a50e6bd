"""Pixels made of length one, and the gradient of that, on the engine's tensors."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedTensor, like

from darkpy.engine.boundary import lib, struct

EPS = 2.0**-23


def l2norm(name, **tensors):
    args = {k: v if isinstance(v, int) else v.struct for k, v in tensors.items()}
    assert getattr(lib, f"dk_l2norm_{name}")(struct(f"dk_l2norm_{name}", args)) == lib.DK_OK


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 4, 15), (1, 2, 2, 64), (1, 5, 1, 77)])
@pytest.mark.parametrize("accumulate", [0, 1])
def test_l2norm(every_simd, rng, shape, accumulate):
    x, y, delta = GuardedTensor(rng.normal(0, 2, shape)), like(shape), rng.normal(0, 1, shape)
    x.values[0, 0, 0] = 0
    delta, before = GuardedTensor(delta), rng.normal(0, 1, shape).astype(np.float32)
    dx = GuardedTensor(before if accumulate else np.full(shape, np.nan))
    l2norm("forward", x=x, y=y)
    l2norm("backward", x=x, y=y, delta=delta, dx=dx, accumulate=accumulate)
    exact = x.values.astype(np.float64)
    length = np.sqrt((exact**2).sum(-1, keepdims=True))
    length[length == 0] = np.inf
    unit = exact / length
    np.testing.assert_allclose(y.values, unit, rtol=16 * EPS)
    along = (unit * delta.values).sum(-1, keepdims=True)
    grad = (delta.values - unit * along) / length + accumulate * before
    limit = 32 * EPS * np.maximum(1, 1 / length.min()) * np.sqrt(shape[-1])
    np.testing.assert_allclose(dx.values, grad, atol=limit, rtol=0)
    np.testing.assert_array_equal(y.values[0, 0, 0], 0)
    for guarded in (x, y, delta, dx):
        guarded.check()


def test_the_l2norm_backward_is_the_derivative(rng):
    shape, step = (1, 1, 1, 6), 1e-6
    x, delta, dx, y = (GuardedTensor(rng.normal(0, 1, shape)) for _ in range(4))
    l2norm("forward", x=x, y=y)
    l2norm("backward", x=x, y=y, delta=delta, dx=dx, accumulate=0)

    def objective(values):
        return (values / np.sqrt((values**2).sum()) * delta.values).sum()

    exact = x.values.astype(np.float64)
    steps = [step * np.eye(6)[i].reshape(shape) for i in range(6)]
    slopes = [(objective(exact + s) - objective(exact - s)) / (2 * step) for s in steps]
    np.testing.assert_allclose(dx.values.ravel(), slopes, atol=1e-6)


def test_other_sizes_are_refused():
    x, y = GuardedTensor(np.ones((1, 1, 1, 4))), like((1, 1, 1, 5))
    args = {"x": x.struct, "y": y.struct}
    assert lib.dk_l2norm_forward(struct("dk_l2norm_forward", args)) == lib.DK_BAD_SHAPE
