"""AlexeyAB's activations over the channels of a pixel, on the engine's tensors."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedTensor, like, to_nchw, to_nhwc
from references import activations as reference

from darkpy.engine.boundary import lib, struct
from darkpy.engine.enums import CHANNEL_ACTIVATIONS

EPS = 2.0**-23
SHAPES = [(1, 1, 1, 1), (2, 3, 4, 15), (1, 2, 2, 16), (3, 1, 5, 17), (1, 2, 3, 77)]


def forward(kind, x, y):
    args = {"x": x.struct, "y": y.struct, "kind": CHANNEL_ACTIVATIONS.index(kind)}
    return lib.dk_normalize_channels_forward(struct("dk_normalize_channels", args))


def backward(kind, saved, delta, dx, accumulate=0):
    tensors = {"saved": saved.struct, "delta": delta.struct, "dx": dx.struct}
    args = {**tensors, "kind": CHANNEL_ACTIVATIONS.index(kind), "accumulate": accumulate}
    function = lib.dk_normalize_channels_backward
    return function(struct("dk_normalize_channels_backward", args))


def exact_forward(kind, x):
    return to_nhwc(reference.activation_forward(kind, to_nchw(x)))


def exact_backward(kind, delta, x):
    x, delta = to_nchw(x), to_nchw(delta)
    y = reference.activation_forward(kind, x)
    return to_nhwc(reference.activation_backward(kind, delta, x, y))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", CHANNEL_ACTIVATIONS)
def test_forward(every_simd, rng, shape, kind):
    x, y = GuardedTensor(rng.normal(0, 3, shape)), like(shape, gap=5)
    x.values[0, 0, 0] = -2  # no channel has anything to share
    assert forward(kind, x, y) == lib.DK_OK
    exact = exact_forward(kind, x.values)
    depth = x.values.max() - x.values.min()
    np.testing.assert_allclose(y.values, exact, rtol=(12 + depth) * EPS)
    for guarded in (x, y):
        guarded.check()
    assert forward(kind, x, x) == lib.DK_OK
    np.testing.assert_array_equal(x.values, y.values)
    x.check()


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", CHANNEL_ACTIVATIONS)
def test_backward(every_simd, rng, shape, kind, accumulate):
    x, y, delta = (GuardedTensor(rng.normal(0, 2, shape)) for _ in range(3))
    forward(kind, x, y)
    saved = x if kind == "normalize_channels" else y
    before = rng.normal(0, 1, shape).astype(np.float32)
    dx = GuardedTensor(before if accumulate else np.full(shape, np.nan), gap=1)
    assert backward(kind, saved, delta, dx, accumulate) == lib.DK_OK
    exact = exact_backward(kind, delta.values, x.values)
    limit = 64 * EPS * max(1, np.abs(exact).max())
    np.testing.assert_allclose(dx.values - accumulate * before, exact, rtol=1e-4, atol=limit)
    for guarded in (saved, delta, dx):
        guarded.check()
    if not accumulate:
        assert backward(kind, saved, delta, delta) == lib.DK_OK
        np.testing.assert_array_equal(delta.values, dx.values)
        delta.check()


def test_large_values_do_not_overflow(every_simd):
    x = GuardedTensor(np.float32([[200, 199, -200], [-200, -201, -300]])[None, None])
    for kind in CHANNEL_ACTIVATIONS:
        y = like(x.shape)
        forward(kind, x, y)
        np.testing.assert_allclose(y.values, exact_forward(kind, x.values), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("kind", CHANNEL_ACTIVATIONS)
def test_same_bits_for_any_number_of_threads(every_simd, rng, same_bits, kind):
    x, delta = (GuardedTensor(rng.normal(0, 1, (3, 13, 11, 37))) for _ in range(2))

    def run():
        y, dx = like(x.shape), like(x.shape)
        forward(kind, x, y)
        backward(kind, x if kind == "normalize_channels" else y, delta, dx)
        return y.values, dx.values

    same_bits(run)


def test_bad_arguments_are_refused():
    x, y = GuardedTensor(np.ones((1, 1, 1, 4))), like((1, 1, 1, 5))
    kind = CHANNEL_ACTIVATIONS[0]
    assert forward(kind, x, y) == lib.DK_BAD_SHAPE
    assert backward(kind, x, y, x) == lib.DK_BAD_SHAPE
    assert backward(kind, x, x, y) == lib.DK_BAD_SHAPE
    for bad in (-1, lib.DK_CHANNELS_COUNT):
        args = {"x": x.struct, "y": x.struct, "kind": bad}
        call = lib.dk_normalize_channels_forward
        assert call(struct("dk_normalize_channels", args)) == lib.DK_BAD_ARGUMENT
        args = {"saved": x.struct, "delta": x.struct, "dx": x.struct, "kind": bad}
        call = lib.dk_normalize_channels_backward
        assert call(struct("dk_normalize_channels_backward", args)) == lib.DK_BAD_ARGUMENT
    assert len(CHANNEL_ACTIVATIONS) == lib.DK_CHANNELS_COUNT
