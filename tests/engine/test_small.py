"""Softmax, losses and l2norm on the engine's tensors."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedTensor, GuardedVector, like, none_tensor
from references import losses as reference

from darkpy.engine.boundary import ffi, lib, struct

EPS = 2.0**-23
KINDS = {
    "SSE": reference.sse_loss,
    "MASKED": reference.masked_loss,
    "SMOOTH": reference.smooth_loss,
    "L1": reference.l1_loss,
    "SOFTMAX_CROSS_ENTROPY": reference.softmax_loss,
    "LOGISTIC_CROSS_ENTROPY": reference.logistic_loss,
}


def softmax(x, y, rows, groups, size, temperature=1.0):
    args = {
        "x": x.pointer,
        "y": y.pointer,
        "rows": rows,
        "x_stride": groups * size,
        "y_stride": groups * size,
        "groups": groups,
        "group_stride": size,
        "group_size": size,
        "temperature": temperature,
    }
    assert lib.dk_softmax_forward(struct("dk_softmax", args)) == lib.DK_OK


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 1000])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 4.0])
def test_softmax(every_simd, rng, size, groups, temperature):
    x = GuardedVector(rng.normal(0, 5, (4, groups * size)))
    y = GuardedVector(np.full(x.values.shape, np.nan))
    softmax(x, y, 4, groups, size, temperature)
    exact = reference.softmax_forward(x.values, groups, temperature)
    depth = (x.values.max() - x.values.min()) / temperature
    np.testing.assert_allclose(y.values, exact, rtol=(8 + depth) * EPS)
    y.check()
    softmax(x, x, 4, groups, size, temperature)
    np.testing.assert_array_equal(x.values, y.values)


def test_softmax_of_far_apart_and_negative_values(every_simd):
    x = GuardedVector(np.array([[-1000, -1001, -2000], [3e38, 0, -3e38], [0, np.nan, 1]]))
    y = GuardedVector(np.zeros((3, 3)))
    softmax(x, y, 3, 1, 3)
    np.testing.assert_allclose(y.values[0], [1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0], rtol=1e-6)
    np.testing.assert_array_equal(y.values[1], [1, 0, 0])
    assert np.isnan(y.values[2]).all()


def cost(kind, p, truth, delta, factor=1.0, accumulate=0, losses=None):
    costs = np.full(p.shape[0], np.nan)
    truth = GuardedVector(truth)
    args = {
        "prediction": p.struct,
        "truth": truth.pointer,
        "delta": none_tensor(p.shape) if delta is None else delta.struct,
        "losses": none_tensor(p.shape) if losses is None else losses.struct,
        "kind": getattr(lib, f"DK_COST_{kind}"),
        "delta_factor": factor,
        "accumulate": accumulate,
        "costs": ffi.cast("double *", costs.ctypes.data),
    }
    assert lib.dk_cost(struct("dk_cost", args)) == lib.DK_OK
    return costs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 1, 1, 10), (2, 1, 1, 2100), (2, 5, 4, 19)])
@pytest.mark.parametrize("gap", [0, 2])
def test_cost(every_simd, rng, kind, shape, gap):
    prediction = rng.uniform(0.01, 0.99, shape) if "CROSS" in kind else rng.normal(0, 2, shape)
    truth = rng.uniform(0, 1, shape).astype(np.float32)
    truth[rng.uniform(size=shape) < 0.3] = 0
    if kind in {"MASKED", "SOFTMAX_CROSS_ENTROPY"}:
        truth[rng.uniform(size=shape) < 0.2] = reference.SECRET_NUM
    p, before = GuardedTensor(prediction, gap), rng.normal(0, 1, shape).astype(np.float32)
    delta, added = like(shape, gap), GuardedTensor(before, gap)
    loss, exact = KINDS[kind](p.values.astype(np.float64), truth)
    costs = cost(kind, p, truth, delta, factor=0.5)
    np.testing.assert_allclose(costs, loss.reshape(shape[0], -1).sum(1), rtol=16 * EPS, atol=1e-6)
    np.testing.assert_allclose(delta.values, 0.5 * exact, rtol=2 * EPS, atol=2 * EPS)
    np.testing.assert_array_equal(cost(kind, p, truth, added, 0.5, accumulate=1), costs)
    np.testing.assert_allclose(added.values, before + 0.5 * exact, rtol=4 * EPS, atol=8 * EPS)
    np.testing.assert_array_equal(cost(kind, p, truth, None), costs)
    losses = like(shape, 2 * gap)
    cost(kind, p, truth, None, losses=losses)
    np.testing.assert_allclose(losses.values, loss, rtol=16 * EPS, atol=1e-6)
    for guarded in (p, delta, added, losses):
        guarded.check()


def test_certain_and_wrong_costs_much_but_stays_finite(every_simd):
    p = GuardedTensor(np.array([0.0, 1.0])[None, None, None])
    for kind in ("SOFTMAX_CROSS_ENTROPY", "LOGISTIC_CROSS_ENTROPY"):
        costs = cost(kind, p, np.array([1.0, 0.0]), None)
        assert 87 < costs[0] < 175


def test_cost_same_bits_for_any_number_of_threads(every_simd, rng, threads):
    p, truth = GuardedTensor(rng.normal(0, 1, (9, 7, 7, 33))), rng.normal(0, 1, (9, 7, 7, 33))
    results = []
    for count in (1, 2, 7):
        threads(count)
        results.append(cost("SMOOTH", p, truth, None))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


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


def test_bad_arguments_are_refused():
    x, y = GuardedTensor(np.ones((1, 1, 1, 4))), like((1, 1, 1, 5))
    args = {"x": x.struct, "y": y.struct}
    assert lib.dk_l2norm_forward(struct("dk_l2norm_forward", args)) == lib.DK_BAD_SHAPE
    assert lib.dk_softmax_forward(struct("dk_softmax", {"groups": 0})) == lib.DK_BAD_SHAPE
    args = {"prediction": x.struct, "kind": lib.DK_COST_COUNT}
    assert lib.dk_cost(struct("dk_cost", args)) == lib.DK_BAD_ARGUMENT
