"""Scratch memory: asked for with one number of threads, used with another."""

from __future__ import annotations

import numpy as np
import pytest
from convolution_call import backward_weights, forward, pack
from convolution_cases import LARGE, Case
from guarded import GuardedTensor, GuardedVector, like

from darkpy.engine.boundary import lib, struct


def test_a_workspace_made_for_fewer_threads_is_enough(threads, rng):
    case = LARGE["middle"]
    x, weights = (
        rng.standard_normal(s).astype(np.float32) for s in (case.x_shape(), case.weights_shape())
    )
    threads(1)
    want = forward(case, x, weights, lib.DK_CONV_WINOGRAD)
    packed, source, out = pack(case, weights), GuardedTensor(x), like(case.y_shape())
    fields = {
        "shape": case.fields(),
        "x": source.struct,
        "y": out.struct,
        "weights": packed.pointer,
        "algorithm": lib.DK_CONV_WINOGRAD,
    }
    size = lib.dk_convolution_forward_workspace(struct("dk_convolution", fields))
    memory = GuardedVector(np.zeros(size // 4))
    work = {"workspace": memory.pointer, "workspace_bytes": size}
    threads(7)
    assert lib.dk_convolution_forward(struct("dk_convolution", {**fields, **work})) == lib.DK_OK
    memory.check()
    np.testing.assert_array_equal(out.values, want)
    work["workspace_bytes"] = 4
    args = struct("dk_convolution", {**fields, **work})
    assert lib.dk_convolution_forward(args) == lib.DK_BAD_ARGUMENT


@pytest.mark.parametrize(
    "case", [Case(8, 72, plane=(30, 29), batch=6), Case(100, 150, plane=(13, 13), batch=2)]
)
def test_a_gradient_workspace_serves_any_number_of_threads(threads, rng, case):
    x, dy = (rng.standard_normal(s).astype(np.float32) for s in (case.x_shape(), case.y_shape()))
    threads(1)
    want = backward_weights(case, x, dy, lib.DK_CONV_WINOGRAD)
    for asked, used in ((1, 7), (7, 1), (2, 3), (5, 4)):
        threads(asked)
        got = backward_weights(
            case, x, dy, lib.DK_CONV_WINOGRAD, before_run=lambda used=used: threads(used)
        )
        np.testing.assert_array_equal(got, want)
