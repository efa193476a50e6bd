"""Copies, upsample, crop and activations channel by channel, on the engine's tensors."""

from __future__ import annotations

import numpy as np
import pytest
from draw import integers
from engine_call import Guarded, call, status
from references import routing

from darkpy.engine.boundary import lib

SHAPES = [(2, 5, 3, 4), (1, 1, 1, 1), (3, 40, 2, 1), (1, 16, 5, 5), (2, 33, 1, 7)]
GAPS = [{"gap": 0, "offset": 0}, {"gap": 3, "offset": 1}]


@pytest.mark.parametrize("where", GAPS)
@pytest.mark.parametrize("shape", SHAPES)
def test_copy_and_fill(shape, where, every_simd, rng):
    x, before = integers(rng, shape), integers(rng, shape)
    for factor, accumulate in ((1, 0), (2, 0), (1, 1), (-0.5, 1)):
        y = Guarded(before, **where)
        args = {"factor": factor, "accumulate": accumulate}
        call("dk_copy", "dk_copy", x=Guarded(x, gap=where["gap"]), y=y, **args)
        np.testing.assert_array_equal(y.nchw, accumulate * before + np.float32(factor) * x)
    call("dk_fill", "dk_fill", y=y, value=2.5)
    assert (y.nchw == 2.5).all()


def test_copy_keeps_the_bits_of_nan(every_simd):
    x = np.array([0x7FA00001, 0xFFC12345, 0x80000000], np.uint32).view(np.float32)
    y = Guarded.empty((1, 3, 1, 1))
    call("dk_copy", "dk_copy", x=Guarded(x.reshape(1, 3, 1, 1)), y=y, factor=1, accumulate=0)
    assert y.values.tobytes() == x.tobytes()


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_upsample(stride, accumulate, every_simd, rng):
    small, large = integers(rng, (2, 17, 3, 2)), integers(rng, (2, 17, 3 * stride, 2 * stride))
    x, y = Guarded(small), Guarded(large)
    args = {"stride": stride, "scale": 0.5, "accumulate": accumulate}
    call("dk_upsample_expand", "dk_upsample", x=x, y=y, **args)
    expected = routing.upsample_forward(small, stride, 0.5) + accumulate * large
    np.testing.assert_array_equal(y.nchw, expected)
    call("dk_upsample_reduce", "dk_upsample", x=x, y=Guarded(large), **args)
    expected = routing.upsample_backward(large, stride, 0.5) + accumulate * small
    np.testing.assert_array_equal(x.nchw, expected)


@pytest.mark.parametrize("flip", [0, 1])
@pytest.mark.parametrize("where", GAPS)
def test_crop(where, flip, every_simd, rng):
    x = integers(rng, (2, 3, 7, 9))
    y = Guarded.empty((2, 3, 4, 6), **where)
    args = {"top": 1, "left": 2, "flip": flip, "factor": 2, "offset": -1}
    call("dk_crop", "dk_crop", x=Guarded(x, **where), y=y, **args)
    np.testing.assert_array_equal(y.nchw, routing.crop_forward(x, 4, 6, 1, 2, bool(flip)))
    delta, dx = integers(rng, (2, 3, 4, 6)), Guarded(x, **where)
    call("dk_crop_backward", "dk_crop", x=dx, y=Guarded(delta, **where), **args)
    back = routing.crop_backward(delta, x.shape, 1, 2, bool(flip))
    np.testing.assert_array_equal(dx.nchw, x + back)
    args["left"] = 4
    for name in ("dk_crop", "dk_crop_backward"):
        assert status(name, "dk_crop", x=Guarded(x), y=y, **args) == lib.DK_BAD_SHAPE


def test_channel_activate(every_simd, rng):
    x = (10 * rng.normal(size=(2, 85, 3, 4))).astype(np.float32)
    kinds = np.full(85, lib.DK_LOGISTIC, np.uint8)
    kinds[2:4] = lib.DK_LINEAR
    y = Guarded.empty(x.shape)
    call("dk_channel_activate", "dk_channel_activate", x=Guarded(x), y=y, kinds=kinds)
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    exact[:, 2:4] = x[:, 2:4]
    np.testing.assert_allclose(y.nchw, exact, rtol=1e-6)
    np.testing.assert_array_equal(y.nchw[:, 2:4], x[:, 2:4])
    kinds[7] = 200
    fields = {"x": y, "y": y, "kinds": kinds}
    refused = status("dk_channel_activate", "dk_channel_activate", **fields)
    assert refused == lib.DK_BAD_ARGUMENT


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = Guarded(rng.normal(size=(3, 10, 40, 44)))

    def run():
        wide, small = Guarded.empty((3, 10, 80, 88)), Guarded.empty(x.shape)
        call("dk_upsample_expand", "dk_upsample", x=x, y=wide, stride=2, scale=0.7)
        call("dk_upsample_reduce", "dk_upsample", x=small, y=wide, stride=2, scale=0.7)
        return [wide.nchw, small.nchw]

    same_bits(run)
