"""Convolution, forward: its epilogue, large outputs, prefetching, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from convolution_cases import (
    CASES,
    LARGE,
    Case,
    algorithms,
    forward,
    forward_reference,
    pack,
)
from guarded import GuardedTensor, like
from references.activations import activate

from darkpy.engine.boundary import lib, pointer, struct


@pytest.mark.parametrize("algorithm", ["DK_CONV_INDIRECT", "DK_CONV_WINOGRAD"])
@pytest.mark.parametrize("filters", [64, 76])
def test_outputs_of_more_than_16_mb_go_around_the_caches(every_simd, rng, algorithm, filters):
    case = Case(3, filters, plane=(131, 127), batch=4)
    x = rng.standard_normal(case.x_shape()).astype(np.float32)
    weights = rng.standard_normal(case.weights_shape()).astype(np.float32)
    chosen = getattr(lib, algorithm)
    out = like(case.y_shape(), 80 - filters, offset=None)
    assert out.pixels.nbytes > 16 << 20
    got = forward(case, x, weights, chosen, activation=lib.DK_RELU, out=out)
    want = forward(
        case, x, weights, chosen, activation=lib.DK_RELU
    )  # its pixels are 67 values wide
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    "case",
    [
        *(LARGE[name] for name in ("middle", "pointwise", "strided", "depthwise")),
        *(CASES[name] for name in ("only padding", "large pad", "kernel beyond plane")),
    ],
)
def test_prefetching_changes_nothing(rng, case):
    x, weights = (
        rng.standard_normal(s).astype(np.float32) for s in (case.x_shape(), case.weights_shape())
    )
    later = [np.zeros(n, np.uint8) for n in (1, 100_000, 63, 5_000_000)]
    want = forward(case, x, weights)
    np.testing.assert_array_equal(forward(case, x, weights, prefetch=later), want)


@pytest.mark.parametrize("kind", ["linear", "relu", "leaky", "logistic", "mish", "hardtan"])
@pytest.mark.parametrize("name", ["small", "deep", "depthwise", "65 filters", "vectors"])
def test_scale_shift_residual_and_activation_are_applied_in_this_order(every_simd, rng, name, kind):
    case = CASES[name]
    x, weights, residual = (
        rng.standard_normal(s).astype(np.float32)
        for s in (case.x_shape(), case.weights_shape(), case.y_shape())
    )
    scale, shift = (rng.standard_normal(case.filters).astype(np.float32) for _ in range(2))
    exact = forward_reference(case, x, weights)
    for a, b, r in [
        (None, None, None),
        (scale, None, None),
        (None, shift, None),
        (None, None, residual),
        (scale, shift, residual),
    ]:
        want = exact * (1 if a is None else a.astype(np.float64))
        want = want + (0 if b is None else b) + (0 if r is None else r)
        want = activate(kind, want)
        for algorithm in algorithms(case):
            activation = getattr(lib, f"DK_{kind.upper()}")
            got = forward(case, x, weights, algorithm, activation, a, b, r)
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-5 * np.sqrt(case.terms()))


def test_nan_reaches_the_output_through_relu_and_leaky(every_simd):
    case = replace(CASES["pointwise"], plane=(1, 1), batch=1)
    x = np.ones(case.x_shape(), np.float32)
    x[0, 0, 0, 3] = np.nan
    weights = np.ones(case.weights_shape(), np.float32)
    for kind in (lib.DK_RELU, lib.DK_LEAKY, lib.DK_LINEAR):
        assert np.isnan(forward(case, x, weights, activation=kind)).all()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"groups": 2}, lib.DK_BAD_SHAPE),
        ({"channels": 4}, lib.DK_BAD_SHAPE),
        ({"stride_h": 0}, lib.DK_BAD_SHAPE),
        ({"pad_w": -1}, lib.DK_BAD_SHAPE),
        ({"dilation_w": 0}, lib.DK_BAD_SHAPE),
        ({"algorithm": lib.DK_CONV_DEPTHWISE}, lib.DK_UNSUPPORTED),
        ({"algorithm": 99}, lib.DK_BAD_ARGUMENT),
        ({"activation": 99}, lib.DK_BAD_ARGUMENT),
        ({"weights": pointer(None)}, lib.DK_BAD_ARGUMENT),
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_written(change, status):
    case = CASES["small"]
    source, out = GuardedTensor(np.ones(case.x_shape())), like(case.y_shape())
    packed = pack(case, np.ones(case.weights_shape()))
    inner = {k: v for k, v in change.items() if k in case.fields()}
    outer = {k: v for k, v in change.items() if k not in case.fields()}
    fields = {
        "shape": {**case.fields(), **inner},
        "x": source.struct,
        "y": out.struct,
        "weights": packed.pointer,
        **outer,
    }
    assert lib.dk_convolution_forward(struct("dk_convolution", fields)) == status
    assert np.isnan(out.values).all()
