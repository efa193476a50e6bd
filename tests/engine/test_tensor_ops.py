"""Copies, shortcut, upsample, orders of values, crop, dropout and the locally connected layer."""

from __future__ import annotations

import numpy as np
import pytest
from engine_call import Guarded, call, status
from references import local as local_reference
from references import reorg, routing

from darkpy.engine.boundary import lib
from darkpy.engine.enums import ACTIVATIONS

SHAPES = [(2, 5, 3, 4), (1, 1, 1, 1), (3, 40, 2, 1), (1, 16, 5, 5), (2, 33, 1, 7)]
GAPS = [{"gap": 0, "offset": 0}, {"gap": 3, "offset": 1}]


def integers(rng, shape):
    """Small integers: float32 arithmetic on them is exact."""
    return rng.integers(-8, 9, shape).astype(np.float32)


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


# previous (batch, c, h, w), source (batch, c, h, w)
SHORTCUTS = [
    ((2, 5, 4, 6), (2, 5, 4, 6)),
    ((1, 20, 4, 4), (1, 7, 8, 8)),
    ((1, 7, 9, 6), (1, 20, 3, 2)),
    ((2, 3, 5, 5), (2, 4, 11, 11)),
    ((1, 18, 11, 11), (1, 17, 5, 5)),
    ((1, 1, 1, 1), (1, 2, 3, 3)),
]


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize(("previous_shape", "source_shape"), SHORTCUTS)
def test_shortcut(previous_shape, source_shape, accumulate, every_simd, rng):
    previous, source = integers(rng, previous_shape), integers(rng, source_shape)
    factors = {"alpha": 0.5, "beta": -2}
    x, other, y = Guarded(previous), Guarded(source, gap=1), Guarded.empty(previous_shape)
    tensors = {"x": x, "source": other, "y": y, **factors}
    expected = routing.shortcut_forward(previous, source, 0.5, -2)
    call("dk_shortcut_forward", "dk_shortcut", **tensors)
    np.testing.assert_array_equal(y.nchw, expected)
    call("dk_shortcut_forward", "dk_shortcut", **{**tensors, "y": x})
    np.testing.assert_array_equal(x.nchw, expected)

    delta, dx, dsource = (integers(rng, s) for s in (previous_shape, previous_shape, source_shape))
    grads = routing.shortcut_backward(delta, previous_shape, source_shape, 0.5, -2)
    tensors = {"x": Guarded(dx), "source": Guarded(dsource), "y": Guarded(delta), **factors}
    call("dk_shortcut_backward_x", "dk_shortcut", **tensors, accumulate=accumulate)
    call("dk_shortcut_backward_source", "dk_shortcut", **tensors, accumulate=accumulate)
    np.testing.assert_array_equal(tensors["x"].nchw, grads[0] + accumulate * dx)
    np.testing.assert_array_equal(tensors["source"].nchw, grads[1] + accumulate * dsource)
    np.testing.assert_array_equal(tensors["y"].nchw, delta)


@pytest.mark.parametrize("kind", ["linear", "relu", "leaky"])
@pytest.mark.parametrize("gap", [0, 3])
@pytest.mark.parametrize("shape", [*SHAPES, (1, 300, 9, 8)])
def test_sum_with_activation(shape, gap, kind, every_simd, rng):
    """Forward, and all of the backward in one call; integers and halves are exact."""
    number = ACTIVATIONS.index(kind)
    slope = {"linear": 1, "relu": 0, "leaky": 0.1}[kind]
    one, two = (integers(rng, shape) for _ in range(2))
    y = Guarded.empty(shape, gap=gap)
    fields = {"x": Guarded(one, gap=gap), "source": Guarded(two), "y": y, "alpha": 1, "beta": 1}
    call("dk_shortcut_forward", "dk_shortcut", **fields, activation=number)
    total = one + two
    np.testing.assert_array_equal(y.nchw, np.where(total > 0, total, np.float32(slope) * total))

    before, delta = integers(rng, shape), Guarded(integers(rng, shape))
    d = np.where(total > 0, delta.nchw, np.float32(slope) * delta.nchw)
    saved = {} if kind == "linear" else {"saved": y}
    for wanted in ({"x"}, {"source"}, {"x", "source"}):
        for accumulate in (0, 1):
            fields = {name: Guarded(before, gap=gap) for name in wanted}
            flags = {"accumulate_x": accumulate, "accumulate_source": 1 - accumulate}
            args = {"delta": delta, "activation": number, **saved, **fields, **flags}
            kept = delta.nchw.copy()
            call("dk_sum_backward", "dk_sum_backward", **args)
            for name, tensor in fields.items():
                np.testing.assert_array_equal(tensor.nchw, d + flags[f"accumulate_{name}"] * before)
            np.testing.assert_array_equal(delta.nchw, kept)
    both = Guarded(before, gap=gap)  # y = f(x + x)
    args = {"delta": delta, "activation": number, **saved, "x": both, "source": both}
    call("dk_sum_backward", "dk_sum_backward", **args, accumulate_x=0, accumulate_source=1)
    np.testing.assert_array_equal(both.nchw, 2 * d)


def test_sum_backward_refuses_other_sizes_and_a_missing_output():
    delta, other = Guarded.empty((1, 2, 3, 3)), Guarded.empty((1, 2, 3, 2))
    leaky = ACTIVATIONS.index("leaky")
    name = "dk_sum_backward"
    assert status(name, name, delta=delta, x=other) == lib.DK_BAD_SHAPE
    assert status(name, name, delta=delta, x=delta, activation=leaky) == lib.DK_BAD_ARGUMENT
    assert status(name, name, delta=delta, x=delta, activation=99) == lib.DK_BAD_ARGUMENT


def test_shortcut_with_different_factors_per_axis_is_refused():
    y = Guarded.empty((1, 1, 4, 4))
    fields = {"x": Guarded(np.zeros(y.shape)), "source": Guarded(np.zeros((1, 1, 4, 8))), "y": y}
    assert status("dk_shortcut_forward", "dk_shortcut", **fields) == lib.DK_BAD_SHAPE


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


@pytest.mark.parametrize("accumulate", [0, 1])
def test_gather_and_scatter(accumulate, rng):
    # reorg's order, and the constant 0 of `extra`.
    count = 4 * 6 * 100
    order = reorg.reorg_forward(np.arange(count).reshape(1, 4, 6, 100), 2).ravel()
    index = np.concatenate([order, [-1, -1]]).astype(np.int32)[3:]
    x, y = integers(rng, (3, count)), integers(rng, (3, len(index)))
    args = {"batch": 3, "x_count": count, "y_count": len(index), "accumulate": accumulate}
    got = y.copy()
    call("dk_gather", "dk_reindex", x=x, y=got, index=index, **args)
    picked = np.where(index >= 0, x[:, index], 0)
    np.testing.assert_array_equal(got, picked + accumulate * y)
    got = x.copy()
    call("dk_scatter", "dk_reindex", x=got, y=y, index=index, **args)
    spread = np.zeros_like(x)
    spread[:, index[index >= 0]] = y[:, index >= 0]
    np.testing.assert_array_equal(got, spread + accumulate * x)


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


# channels, height, width, filters, size, stride, pad, batch
LOCALS = [(3, 7, 6, 5, 3, 1, 1, 2), (2, 5, 5, 1, 2, 2, 0, 1), (70, 4, 4, 3, 3, 1, 0, 19)]


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("case", LOCALS)
def test_local(case, accumulate, every_simd, rng):
    channels, height, width, filters, size, stride, pad, batch = case
    x = integers(rng, (batch, channels, height, width))
    out = [(n + 2 * pad - size) // stride + 1 for n in (height, width)]
    weights = integers(rng, (out[0] * out[1], filters, channels * size * size))
    biases = integers(rng, (filters * out[0] * out[1],))
    geometry = {"size": size, "stride": stride, "pad": pad}
    y = Guarded.empty((batch, filters, *out))
    source = Guarded(x)
    fields = {"weights": weights, "biases": biases, **geometry}
    call("dk_local_forward", "dk_local", x=source, y=y, **fields)
    expected = local_reference.local_forward(x, weights, biases, size, stride, pad)
    np.testing.assert_array_equal(y.nchw, expected)

    delta, before = integers(rng, y.shape), integers(rng, x.shape)
    grads = local_reference.local_backward(delta, x, weights, size, stride, pad)
    dx = Guarded(before) if accumulate else Guarded.empty(x.shape)
    fields["accumulate"] = accumulate
    call("dk_local_backward_data", "dk_local", x=dx, y=Guarded(delta), **fields)
    np.testing.assert_array_equal(dx.nchw, grads[0] + accumulate * before)
    fields |= {"weights": np.ones_like(weights), "biases": np.ones_like(biases)}
    call("dk_local_backward_weights", "dk_local", x=source, y=Guarded(delta), **fields)
    np.testing.assert_array_equal(fields["weights"], grads[1] + 1)
    np.testing.assert_array_equal(fields["biases"], grads[2] + 1)


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = Guarded(rng.normal(size=(3, 30, 24, 24)))
    half = Guarded(rng.normal(size=(3, 10, 12, 12)))
    weights = rng.normal(size=(22 * 22, 4, 270)).astype(np.float32)

    def run():
        joined, wide, out = (Guarded.empty(s) for s in (x.shape, (3, 10, 24, 24), (3, 4, 22, 22)))
        tensors = {"x": x, "source": half, "y": joined, "alpha": 1.5, "beta": 0.3}
        call("dk_shortcut_forward", "dk_shortcut", **tensors)
        call("dk_upsample_expand", "dk_upsample", x=half, y=wide, stride=2, scale=0.7)
        small, dx = Guarded.empty(half.shape), Guarded.empty(x.shape)
        call("dk_upsample_reduce", "dk_upsample", x=small, y=wide, stride=2, scale=0.7)
        fields = {"weights": weights, "size": 3, "stride": 1, "pad": 0}
        call("dk_local_forward", "dk_local", x=x, y=out, **fields)
        call("dk_local_backward_data", "dk_local", x=dx, y=out, **fields)
        updates = np.zeros_like(weights)
        fields["weights"] = updates
        call("dk_local_backward_weights", "dk_local", x=x, y=out, **fields)
        return [*(t.nchw for t in (joined, wide, small, out, dx)), updates]

    weights = np.ascontiguousarray(weights[:, :, :270])
    same_bits(run)
