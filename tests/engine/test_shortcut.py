"""Sums of two tensors, with an activation, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from draw import integers
from engine_call import Guarded, call, status
from references import routing

from darkpy.engine.boundary import lib
from darkpy.engine.enums import ACTIVATIONS

SHAPES = [(2, 5, 3, 4), (1, 1, 1, 1), (3, 40, 2, 1), (1, 16, 5, 5), (2, 33, 1, 7)]


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


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = Guarded(rng.normal(size=(3, 30, 24, 24)))
    half = Guarded(rng.normal(size=(3, 10, 12, 12)))

    def run():
        joined, dx, dsource = (Guarded.empty(tensor.shape) for tensor in (x, x, half))
        factors = {"alpha": 1.5, "beta": 0.3}
        call("dk_shortcut_forward", "dk_shortcut", x=x, source=half, y=joined, **factors)
        tensors = {"x": dx, "source": dsource, "y": joined}
        call("dk_shortcut_backward_x", "dk_shortcut", **tensors, **factors)
        call("dk_shortcut_backward_source", "dk_shortcut", **tensors, **factors)
        return [joined.nchw, dx.nchw, dsource.nchw]

    same_bits(run)
