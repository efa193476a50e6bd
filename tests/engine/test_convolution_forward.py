"""Convolution: every algorithm, instruction set and odd shape against float64 sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from convolution_call import forward, pack
from convolution_cases import (
    CASES,
    LARGE,
    Case,
    algorithms,
    close,
    forward_reference,
    plain_algorithms,
    winograds,
)
from draw import integers, normal
from guarded import GuardedTensor, like
from references.activations import activate

from darkpy.engine.boundary import lib, pointer, struct


@pytest.mark.parametrize("name", CASES)
def test_it_is_exact_on_integers(every_simd, rng, name):
    case = CASES[name]
    x, weights = integers(rng, case.x_shape()), integers(rng, case.weights_shape())
    y = forward_reference(case, x, weights)
    for algorithm in plain_algorithms(case, lib.DK_CONV_FORWARD):
        np.testing.assert_array_equal(forward(case, x, weights, algorithm), y)


@pytest.mark.parametrize("name", CASES)
def test_real_values_stay_within_the_bound(every_simd, rng, name):
    case = CASES[name]
    x, weights = normal(rng, *case.x_shape()), normal(rng, *case.weights_shape())
    exact, limit = (forward_reference(case, f(x), f(weights)) for f in (np.asarray, np.abs))
    for algorithm in plain_algorithms(case, lib.DK_CONV_FORWARD):
        close(forward(case, x, weights, algorithm), exact, case.terms(), limit)


@pytest.mark.parametrize(
    ("name", "winograd"), [(name, a) for name, case in CASES.items() for a in winograds(case)]
)
def test_winograd_stays_close_on_the_scale_of_a_tile(every_simd, rng, name, winograd):
    """Transforms mix the values of a tile, so errors go with the largest sum|a*b| around."""
    case = CASES[name]
    x, weights = normal(rng, *case.x_shape()), normal(rng, *case.weights_shape())
    exact, limit = (forward_reference(case, f(x), f(weights)) for f in (np.asarray, np.abs))
    for prepared in (False, True):
        got = forward(case, x, weights, winograd, prepared=prepared)
        close(got, exact, 4 * case.terms(), limit.max())


@pytest.mark.parametrize("name", LARGE)
def test_bits_do_not_depend_on_the_number_of_threads(every_simd, same_bits, rng, name):
    case = LARGE[name]
    x, weights = normal(rng, *case.x_shape()), normal(rng, *case.weights_shape())
    same_bits(lambda: [forward(case, x, weights)])
    got, want = forward(case, x, weights), forward(case, x, weights, lib.DK_CONV_IM2COL)
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * abs(want).max())


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
