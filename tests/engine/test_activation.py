"""Activations on the engine's tensors, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedTensor, like
from references import activations as reference

from darkpy.engine.boundary import lib, struct

NAMES = list(reference.FORWARD)
EPS = 2.0**-23


def kind_of(name):
    return getattr(lib, f"DK_{name.upper()}")


def tolerance(name, x, y):
    """The bound of engine/activation.h, and float64's rounding in the reference's 1 + tanh."""
    if name == "stair":
        return EPS * np.maximum(abs(x), 1)
    return 6 * EPS * abs(y) + (4 * EPS * abs(x) if name == "gelu" else 2e-16 * (1 + abs(x)))


def inputs(rng, count):
    """Values around all kinks, exact kinks among them, and far out."""
    return np.concatenate(
        [rng.normal(0, 1, count), rng.normal(0, 8, count), rng.normal(0, 60, count), KINKS]
    ).astype(np.float32)


KINKS = [-200, -104, -88, -20, -4, -2, -1, -0.5, 0, 1e-30, 0.5, 1, 2, 3, 4, 5, 6, 20, 88, 200]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 7, 16, 33])
def test_forward_agrees_with_the_reference(every_simd, rng, name, channels):
    x = np.resize(inputs(rng, 200), (2, 5, 13, channels))
    source, out = GuardedTensor(x), like(x.shape, gap=5)
    args = struct("dk_activate", {"x": source.struct, "y": out.struct, "kind": kind_of(name)})
    assert lib.dk_activate(args) == lib.DK_OK
    exact = reference.activate(name, x)
    assert (abs(out.values - exact) <= tolerance(name, x, exact)).all()
    source.check()
    out.check()


@pytest.mark.parametrize("name", NAMES)
def test_forward_in_place_on_dense_memory_gives_the_same_bits(every_simd, rng, name):
    x = np.resize(inputs(rng, 100), (1, 4, 5, 19))
    apart, inside = like(x.shape), GuardedTensor(x, gap=0)
    for source, out in ((GuardedTensor(x), apart), (inside, inside)):
        args = {"x": source.struct, "y": out.struct, "kind": kind_of(name)}
        assert lib.dk_activate(struct("dk_activate", args)) == lib.DK_OK
    np.testing.assert_array_equal(inside.values, apart.values)
    inside.check()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gap", [0, 3])
def test_gradient_agrees_with_the_reference(every_simd, rng, name, gap):
    kept = np.resize(inputs(rng, 100), (2, 3, 5, 21))
    if name in {"logistic", "loggy", "tanh", "elu", "selu"}:
        kept = reference.activate(name, kept).astype(np.float32)
    delta = rng.normal(0, 1, kept.shape).astype(np.float32)
    saved, out = GuardedTensor(kept, gap), GuardedTensor(delta, gap)
    args = struct(
        "dk_activation_gradient",
        {"saved": saved.struct, "delta": out.struct, "kind": kind_of(name)},
    )
    assert lib.dk_activation_gradient(args) == lib.DK_OK
    exact = delta * reference.gradient(name, kept)
    np.testing.assert_allclose(out.values, exact, rtol=0, atol=1e-35 + 12 * EPS * abs(delta).max())
    saved.check()
    out.check()


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_the_derivative(name):
    """Central differences in float64 of the reference, through the C gradient."""
    x = np.array([-5.3, -2.7, -1.4, -0.3, 0.2, 0.7, 1.6, 3.3, 5.5, 6.7])
    step = 1e-6
    slope = (reference.activate(name, x + step) - reference.activate(name, x - step)) / (2 * step)
    needs_input = bool(lib.dk_activation_needs_input(kind_of(name)))
    assert needs_input == (name in reference.KEEPS_INPUT)
    saved = GuardedTensor((x if needs_input else reference.activate(name, x))[None, None, None])
    delta = GuardedTensor(np.ones((1, 1, 1, x.size)))
    args = {"saved": saved.struct, "delta": delta.struct, "kind": kind_of(name)}
    assert lib.dk_activation_gradient(struct("dk_activation_gradient", args)) == lib.DK_OK
    if name == "hardtan":  # -1 and 1 are flat on both sides of the kink
        slope = np.where(abs(x) < 1, 1, 0)
    np.testing.assert_allclose(delta.values.ravel(), slope, atol=3e-6)


@pytest.mark.parametrize("name", NAMES)
def test_infinities_and_nan(every_simd, name):
    x = GuardedTensor(np.array([np.inf, -np.inf, np.nan, 3e38, -3e38])[None, None, None])
    y = like(x.shape)
    args = {"x": x.struct, "y": y.struct, "kind": kind_of(name)}
    assert lib.dk_activate(struct("dk_activate", args)) == lib.DK_OK
    assert np.isnan(y.values.ravel()).tolist() == [False, False, True, False, False]


def test_same_bits_for_any_number_of_threads(every_simd, rng, threads):
    x = GuardedTensor(rng.normal(0, 3, (3, 40, 41, 24)))
    results = []
    for count in (1, 2, 7):
        threads(count)
        y = like(x.shape)
        args = {"x": x.struct, "y": y.struct, "kind": lib.DK_MISH}
        assert lib.dk_activate(struct("dk_activate", args)) == lib.DK_OK
        results.append(y.values.copy())
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_unknown_kind_and_other_sizes_are_refused():
    x, y, narrow = (GuardedTensor(np.ones((1, 1, 1, c))) for c in (3, 3, 2))
    args = {"x": x.struct, "y": y.struct, "kind": lib.DK_ACTIVATION_COUNT}
    assert lib.dk_activate(struct("dk_activate", args)) == lib.DK_BAD_ARGUMENT
    args = {"x": x.struct, "y": narrow.struct, "kind": lib.DK_RELU}
    assert lib.dk_activate(struct("dk_activate", args)) == lib.DK_BAD_SHAPE
