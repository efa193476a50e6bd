"""Convolution on several threads: the same bits, and scratch memory for any number of them."""

from __future__ import annotations

import numpy as np
import pytest
from convolution_cases import (
    LARGE,
    Case,
    backward_data,
    backward_weights,
    forward,
    pack,
)
from guarded import GuardedTensor, GuardedVector, like

from darkpy.engine.boundary import lib, struct


@pytest.mark.parametrize("name", LARGE)
def test_bits_do_not_depend_on_the_number_of_threads(every_simd, threads, rng, name):
    case = LARGE[name]
    x, dy, weights = (
        rng.standard_normal(s).astype(np.float32)
        for s in (case.x_shape(), case.y_shape(), case.weights_shape())
    )
    first = None
    for count in (1, 2, 7):
        threads(count)
        results = [
            forward(case, x, weights),
            backward_data(case, dy, weights),
            backward_weights(case, x, dy),
        ]
        first = first or results
        for got, want in zip(results, first, strict=True):
            np.testing.assert_array_equal(got, want)
    im2col = lib.DK_CONV_IM2COL
    slow = [
        forward(case, x, weights, im2col),
        backward_data(case, dy, weights, im2col),
        backward_weights(case, x, dy, im2col),
    ]
    for got, want in zip(slow, first, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * abs(want).max())


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
