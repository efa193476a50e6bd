"""Costs of predictions and their deltas, on the engine's tensors."""

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


def test_an_unknown_kind_is_refused():
    p = like((1, 1, 1, 5))
    args = {"prediction": p.struct, "kind": lib.DK_COST_COUNT}
    assert lib.dk_cost(struct("dk_cost", args)) == lib.DK_BAD_ARGUMENT
