"""Shortcuts of several sources: NumPy's arrays and Darknet's calls against float64."""

from __future__ import annotations

import numpy as np
import pytest
from references import kernels_sources as reference

import darkpy.kernels as K
from darkpy.errors import ArgumentError, DTypeError, ShapeError
from darkpy.kernels import darknet_calls

SHAPES = [
    ((2, 6, 5, 3), [(2, 6, 5, 3)]),
    ((3, 4, 7, 7), [(3, 4, 7, 7), (3, 2, 7, 7), (3, 9, 7, 7)]),
    ((1, 1, 1, 1), [(1, 5, 1, 1)]),
    ((2, 3, 2, 9), []),
]
WEIGHTS = ["none given", "per layer", "per channel"]


def case(rng, shapes, weights):
    shape, others = shapes
    x = rng.standard_normal(shape).astype(np.float32)
    sources = [rng.standard_normal(other).astype(np.float32) for other in others]
    count = {"per layer": 1, "per channel": shape[1]}.get(weights)
    if count is None:
        return x, sources, None
    return x, sources, rng.standard_normal((len(sources) + 1, count)).astype(np.float32)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("normalization", ["none", "relu", "softmax"])
def test_forward_and_backward(every_simd, rng, shapes, weights, normalization):
    x, sources, w = case(rng, shapes, weights)
    if w is None and normalization != "none":
        with pytest.raises(ArgumentError, match="normalization must be none without weights"):
            K.shortcut_multilayer_cpu(x, sources, normalization=normalization)
        return
    want = reference.shortcut_multilayer_cpu(x, sources, w, normalization)
    y = K.shortcut_multilayer_cpu(x, sources, w, normalization=normalization)
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)

    delta = rng.standard_normal(x.shape).astype(np.float32)
    back, others, updates = K.backward_shortcut_multilayer_cpu(
        delta, x, sources, w, normalization=normalization
    )
    dx, ds, dw = reference.backward_shortcut_multilayer_cpu(delta, x, sources, w, normalization)
    np.testing.assert_allclose(back, dx, rtol=1e-5, atol=1e-5)
    for got, exact in zip(others, ds, strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-5, atol=1e-5)
    if dw is None:
        assert updates is None
    else:
        np.testing.assert_allclose(updates, dw, rtol=1e-4, atol=1e-4)


def test_the_backward_pass_is_the_gradient(rng):
    """Central differences of the loss sum(delta * y) by x, a source and the weights."""
    x, sources, w = case(rng, SHAPES[1], "per channel")
    delta = rng.standard_normal(x.shape)
    got = reference.backward_shortcut_multilayer_cpu(delta, x, sources, w)
    step = 1e-3
    for array, gradient in ((x, got[0]), (sources[2], got[1][2]), (w, got[2])):
        for _ in range(5):
            at = tuple(int(rng.integers(n)) for n in array.shape)
            before, losses = array[at], []
            for sign in (1, -1):
                array[at] = before + sign * step
                y = reference.shortcut_multilayer_cpu(x, sources, w)
                losses.append((delta * y).sum())
                actual = array[at]
                losses.append(float(actual))
            array[at] = before
            slope = (losses[0] - losses[2]) / (losses[1] - losses[3])
            assert abs(slope - gradient[at]) < 1e-4 * (1 + abs(slope))


def test_results_are_added_to_what_is_given(rng):
    x, sources, w = case(rng, SHAPES[1], "per layer")
    delta = rng.standard_normal(x.shape).astype(np.float32)
    fresh = K.backward_shortcut_multilayer_cpu(delta, x, sources, w)
    again = K.backward_shortcut_multilayer_cpu(
        delta,
        x,
        sources,
        w,
        out=fresh[0].copy(),
        source_deltas=[a.copy() for a in fresh[1]],
        weight_updates=fresh[2].copy(),
    )
    np.testing.assert_allclose(again[0], 2 * fresh[0], rtol=1e-6)
    np.testing.assert_allclose(again[1][1], 2 * fresh[1][1], rtol=1e-6)
    np.testing.assert_allclose(again[2], 2 * fresh[2], rtol=1e-6)
    out = np.full_like(x, np.nan)
    assert K.shortcut_multilayer_cpu(x, sources, w, out=out) is out
    assert np.isfinite(out).all()


def test_same_bits_for_any_number_of_threads(rng, same_bits):
    x = rng.standard_normal((5, 37, 41, 43)).astype(np.float32)
    sources = [rng.standard_normal((5, 31, 41, 43)).astype(np.float32)]
    w = rng.standard_normal((2, 37)).astype(np.float32)

    def run():
        yield K.shortcut_multilayer_cpu(x, sources, w, normalization="softmax")
        back, others, updates = K.backward_shortcut_multilayer_cpu(x, x, sources, w)
        yield from (back, *others, updates)

    same_bits(run)


def test_flat_forms(rng):
    x, sources, w = case(rng, SHAPES[1], "per channel")
    batch, outputs = len(x), x[0].size
    lengths = [a[0].size for a in sources]
    head = (x.size, outputs, batch, len(sources), lengths)
    out = np.full(x.size + 2, -3, np.float32)
    darknet_calls.shortcut_multilayer_cpu(*head, sources, out[1:-1], x, w, w.size, "relu")
    want = reference.shortcut_multilayer_cpu(x, sources, w, "relu")
    np.testing.assert_allclose(out[1:-1], want.ravel(), rtol=1e-5, atol=1e-5)
    assert out[0] == out[-1] == -3
    darknet_calls.shortcut_multilayer_cpu(*head, sources, out[1:-1], x, None, 0, "none")
    want = reference.shortcut_multilayer_cpu(x, sources, None)
    np.testing.assert_allclose(out[1:-1], want.ravel(), rtol=1e-5, atol=1e-5)

    delta = rng.standard_normal(x.shape).astype(np.float32)
    back, updates = np.ones_like(x), np.ones_like(w)
    others = [np.ones_like(a) for a in sources]
    darknet_calls.backward_shortcut_multilayer_cpu(
        *head, others, back, delta, w, updates, w.size, x, sources, "none"
    )
    dx, ds, dw = reference.backward_shortcut_multilayer_cpu(delta, x, sources, w)
    np.testing.assert_allclose(back, 1 + dx, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(others[2], 1 + ds[2], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(updates, 1 + dw, rtol=1e-4, atol=1e-4)


def test_bad_input_is_named(rng):
    x, sources, w = case(rng, SHAPES[1], "per channel")
    with pytest.raises(ShapeError, match=r"weights must have shape \(4, any\)"):
        K.shortcut_multilayer_cpu(x, sources, w[:2].copy())
    with pytest.raises(ShapeError, match="weights must have a divisor of 196 columns, got 5"):
        K.shortcut_multilayer_cpu(x, sources, np.ones((4, 5), np.float32))
    with pytest.raises(ArgumentError, match="normalization must be none, relu or softmax"):
        K.shortcut_multilayer_cpu(x, sources, w, normalization="max")
    with pytest.raises(ShapeError, match=r"sources\[0\] must have shape \(3, ...\)"):
        K.shortcut_multilayer_cpu(x, [x[:2].copy()])
    with pytest.raises(DTypeError, match=r"sources\[0\] must be"):
        K.shortcut_multilayer_cpu(x, [x.astype(np.float64)])
    with pytest.raises(ShapeError, match=r"out must not share memory with sources\[0\]"):
        K.shortcut_multilayer_cpu(x, [sources[0]], out=sources[0])
    with pytest.raises(ShapeError, match="source_deltas must be 3 arrays"):
        K.backward_shortcut_multilayer_cpu(x, x, sources, source_deltas=[])
    head = (x.size, x[0].size, len(x), 1, [x[0].size])
    with pytest.raises(ShapeError, match="must hold at least"):
        darknet_calls.shortcut_multilayer_cpu(*head, [x[:1]], x.copy(), x, None, 0, "none")
    with pytest.raises(ShapeError, match="size must be batch"):
        darknet_calls.shortcut_multilayer_cpu(3, *head[1:], [x], x.copy(), x, None, 0, "none")
