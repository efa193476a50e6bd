"""Batch normalisation on the engine's tensors, against the float64 reference and its derivative."""

from __future__ import annotations

import numpy as np
import pytest
from guarded import GuardedTensor, GuardedVector, like, none_tensor, to_nchw, to_nhwc
from references import activations, batchnorm

from darkpy.engine.boundary import lib, null, pointer, struct

EPS = 2.0**-23
FORMS = {
    "pjreddie": {"epsilon": 1e-6, "epsilon_inside": 0, "biased": 0},
    "alexeyab": {"epsilon": 1e-5, "epsilon_inside": 1, "biased": 0},
    "cudnn": {"epsilon": 1e-5, "epsilon_inside": 1, "biased": 1},
}
SHAPES = [(1, 1, 1, 5), (2, 1, 1, 1), (5, 1, 1, 40), (2, 3, 5, 17), (3, 13, 9, 16), (1, 37, 31, 70)]


def kind_of(name):
    return getattr(lib, f"DK_{name.upper()}")


class Case:
    """Inputs of one batch normalisation, with everything in guarded memory."""

    def __init__(self, rng, shape, form, activation, mean=0.0, spread=1.0, gap=3):
        channels = shape[-1]
        self.form, self.activation = form, activation
        self.x = GuardedTensor(rng.normal(mean, spread, shape), gap)
        self.y = like(shape, gap + 1)
        self.scales = GuardedVector(rng.normal(1, 0.5, channels))
        self.biases = GuardedVector(rng.normal(0, 1, channels))
        self.mean, self.variance = (GuardedVector(np.full(channels, np.nan)) for _ in range(2))
        self.rolling_mean = GuardedVector(rng.normal(0, 1, channels))
        self.rolling_variance = GuardedVector(rng.uniform(0.5, 2, channels))
        self.residual = None

    def vectors(self):
        names = ("scales", "biases", "mean", "variance")
        return {name: getattr(self, name) for name in names}

    def forward(self, function="dk_batchnorm_forward"):
        args = struct(
            "dk_batchnorm",
            {
                "x": self.x.struct,
                "y": self.y.struct,
                **{name: vector.pointer for name, vector in self.vectors().items()},
                "rolling_mean": self.rolling_mean.pointer,
                "rolling_variance": self.rolling_variance.pointer,
                "rolling": 0.01,
                **FORMS[self.form],
                "activation": kind_of(self.activation),
                **({"residual": self.residual.struct} if self.residual else {}),
            },
        )
        size = getattr(lib, f"{function}_workspace")(args)
        work = GuardedVector(np.full(size // 4, np.nan))
        args.workspace = work.pointer
        assert getattr(lib, function)(args) == lib.DK_OK
        for guarded in (work, self.x, self.y, self.rolling_mean, *self.vectors().values()):
            guarded.check()

    def backward(self, delta, dx, scale_updates, bias_updates, exact=0, accumulate=0, y=None):
        args = struct(
            "dk_batchnorm_backward",
            {
                "x": self.x.struct,
                "y": self.y.struct if y is None else y,
                "delta": delta.struct,
                "dx": dx.struct,
                **{name: vector.pointer for name, vector in self.vectors().items()},
                "scale_updates": scale_updates.pointer,
                "bias_updates": bias_updates.pointer if bias_updates else null,
                **FORMS[self.form],
                "exact": exact,
                "accumulate": accumulate,
                "activation": kind_of(self.activation),
            },
        )
        work = GuardedVector(np.full(lib.dk_batchnorm_backward_workspace(args) // 4, np.nan))
        args.workspace = work.pointer
        assert lib.dk_batchnorm_backward(args) == lib.DK_OK
        for guarded in (work, self.x, self.y, delta, dx, scale_updates):
            guarded.check()

    def reference_forward(self):
        """(z, x_hat, mean, variance), channels last."""
        z, x_hat, mean, variance = batchnorm.batchnorm_forward_train(
            to_nchw(self.x.values), self.scales.values, self.biases.values, self.form
        )
        return to_nhwc(z), to_nhwc(x_hat), mean, variance


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["linear", "leaky", "tanh"])
def test_forward_agrees_with_the_reference(every_simd, rng, shape, form, activation):
    case = Case(rng, shape, form, activation)
    old_mean, old_variance = case.rolling_mean.values.copy(), case.rolling_variance.values.copy()
    case.forward()
    z, _, mean, variance = case.reference_forward()
    np.testing.assert_allclose(case.mean.values, mean, rtol=4 * EPS, atol=8 * EPS)
    np.testing.assert_allclose(case.variance.values, variance, rtol=16 * EPS, atol=1e-12)
    for rolling, old, new in (
        (case.rolling_mean, old_mean, mean),
        (case.rolling_variance, old_variance, variance),
    ):
        np.testing.assert_allclose(
            rolling.values, batchnorm.rolling_update(old, new), rtol=4 * EPS, atol=4 * EPS
        )
    # Where the values nearly equal each other, the division amplifies the mean's last bit.
    limit = 64 * EPS * (1 + abs(z)) * np.maximum(1, 1 / np.sqrt(variance + 1e-5))
    assert (abs(case.y.values - activations.activate(activation, z)) <= limit).all()


@pytest.mark.parametrize("function", ["dk_batchnorm_forward", "dk_batchnorm_apply"])
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_residual_is_added_before_the_activation(every_simd, rng, function, activation, in_place):
    case = Case(rng, (2, 5, 7, 37), "pjreddie", "linear")
    case.forward(function)
    residual = rng.normal(0, 1, case.x.shape).astype(np.float32)
    expected = activations.activate(activation, case.y.values.astype(np.float64) + residual)
    case.activation = activation
    case.residual = case.y if in_place else GuardedTensor(residual, 2)
    case.residual.values[...] = residual
    case.forward(function)
    np.testing.assert_allclose(case.y.values, expected, rtol=8 * EPS, atol=8 * EPS)
    case.residual.check()


def test_a_residual_of_another_size_is_refused(rng):
    case = Case(rng, (2, 5, 7, 37), "pjreddie", "linear")
    case.residual = GuardedTensor(np.zeros((2, 5, 7, 36)))
    with pytest.raises(AssertionError):
        case.forward()


@pytest.mark.parametrize("form", FORMS)
def test_a_negative_rolling_variance_counts_as_zero(every_simd, rng, form):
    case = Case(rng, (2, 3, 5, 17), form, "linear")
    case.rolling_variance.values[3::5] = 0
    case.forward("dk_batchnorm_apply")
    expected = case.y.values.copy()
    case.rolling_variance.values[3::5] = -0.25
    case.forward("dk_batchnorm_apply")
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(case.y.values, expected)


def test_small_integers_give_exact_statistics(every_simd, rng):
    case = Case(rng, (4, 8, 8, 19), "cudnn", "linear")
    case.x.values[...] = rng.integers(-8, 9, case.x.shape)
    case.forward()
    _, _, mean, variance = case.reference_forward()
    np.testing.assert_array_equal(case.mean.values, mean.astype(np.float32))
    np.testing.assert_allclose(case.variance.values, variance, rtol=2 * EPS)


@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_a_large_mean_costs_no_more_than_the_input_already_lost(every_simd, rng, spread):
    """Sums of squares about zero would lose all digits here."""
    case = Case(rng, (4, 40, 40, 9), "cudnn", "linear", mean=1000.0, spread=spread)
    case.x.values[0, :1, :7] = 0  # the first pixels are far from the others: the shift is a bad one
    case.forward()
    _, _, mean, variance = case.reference_forward()
    np.testing.assert_allclose(case.mean.values, mean, rtol=4 * EPS)
    np.testing.assert_allclose(case.variance.values, variance, rtol=1e-4)


def test_one_value_per_channel_has_variance_zero(every_simd, rng):
    for form in FORMS:
        case = Case(rng, (1, 1, 1, 20), form, "linear")
        case.forward()
        np.testing.assert_array_equal(case.variance.values, 0)
        np.testing.assert_array_equal(case.y.values.ravel(), case.biases.values)


def test_nan_reaches_the_statistics_of_its_channel_only(rng):
    case = Case(rng, (2, 3, 3, 6), "pjreddie", "linear")
    case.x.values[1, 2, 1, 4] = np.nan
    case.forward()
    lost = [False] * 4 + [True, False]
    assert np.isnan(case.mean.values).tolist() == lost
    assert np.isnan(case.variance.values).tolist() == lost


@pytest.mark.parametrize("form", ["pjreddie", "cudnn"])
def test_apply_uses_the_rolling_statistics_and_writes_nothing_else(every_simd, rng, form):
    case = Case(rng, (2, 4, 3, 21), form, "relu")
    before = case.rolling_mean.values.copy(), case.rolling_variance.values.copy()
    case.forward("dk_batchnorm_apply")
    exact = batchnorm.batchnorm_forward_inference(
        to_nchw(case.x.values), case.scales.values, case.biases.values, *before, form
    )
    np.testing.assert_allclose(
        case.y.values, to_nhwc(np.maximum(exact, 0)), rtol=16 * EPS, atol=16 * EPS
    )
    np.testing.assert_array_equal(case.rolling_mean.values, before[0])
    np.testing.assert_array_equal(case.rolling_variance.values, before[1])
    assert np.isnan(case.mean.values).all()


BACKWARD_KINDS = ["linear", "relu", "leaky", "logistic", "mish", "swish", "gelu", "elu"]


@pytest.mark.parametrize("shape", SHAPES[2:])
@pytest.mark.parametrize("activation", BACKWARD_KINDS)
@pytest.mark.parametrize("exact", [0, 1])
@pytest.mark.parametrize("accumulate", [0, 1])
def test_backward_agrees_with_the_reference(every_simd, rng, shape, activation, exact, accumulate):
    case = Case(rng, shape, "cudnn" if exact else "pjreddie", activation)
    case.forward()
    channels = shape[-1]
    delta = GuardedTensor(rng.normal(0, 1, shape))
    before = rng.normal(0, 1, shape).astype(np.float32)
    dx = GuardedTensor(before if accumulate else np.full(shape, np.nan), gap=4)
    scale_updates, bias_updates = (GuardedVector(rng.normal(0, 1, channels)) for _ in range(2))
    old = scale_updates.values.copy(), bias_updates.values.copy()
    case.backward(delta, dx, scale_updates, bias_updates, exact, accumulate)

    z, x_hat, _, _ = case.reference_forward()
    kept = z if activation in activations.KEEPS_INPUT else case.y.values
    d = to_nchw(delta.values * activations.gradient(activation, kept))
    x, x_hat = to_nchw(case.x.values), to_nchw(x_hat)
    mean, variance, scales = case.mean.values, case.variance.values, case.scales.values
    if exact:
        grad = batchnorm.batchnorm_backward_exact(d, x_hat, variance, scales)
    else:
        grad = batchnorm.batchnorm_backward(d, x, x_hat, mean, variance, scales)
    pixels = dx.values.size / channels
    limit = 32 * EPS * np.sqrt(pixels)
    np.testing.assert_allclose(scale_updates.values, old[0] + grad[1], atol=limit * 4)
    np.testing.assert_allclose(bias_updates.values, old[1] + grad[2], atol=limit * 2)
    wanted = to_nhwc(grad[0]) + accumulate * before
    size = abs(scales) / np.sqrt(variance + 1e-5) + 1
    assert (abs(dx.values - wanted) <= 64 * EPS * size * (1 + abs(delta.values))).all()


def test_backward_may_write_over_its_delta_and_needs_no_y_for_relu(every_simd, rng):
    for activation in ("relu", "leaky", "mish", "linear"):
        case = Case(rng, (2, 5, 7, 18), "pjreddie", activation)
        case.forward()
        values = rng.normal(0, 1, case.x.shape)
        results = []
        for in_place in (False, True):
            delta = GuardedTensor(values)
            dx = delta if in_place else like(case.x.shape)
            updates = GuardedVector(np.zeros(18))
            y = none_tensor(case.x.shape) if in_place else None
            case.backward(delta, dx, updates, None, y=y)
            results.append((dx.values.copy(), updates.values))
        np.testing.assert_array_equal(results[0][0], results[1][0])
        np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["linear", "tanh", "gelu"])
def test_the_exact_backward_is_the_derivative_of_the_forward(rng, form, activation):
    """Central differences in float64 through the reference's forward of the same form."""
    case = Case(rng, (2, 2, 2, 3), form, activation)
    case.forward()
    delta = GuardedTensor(rng.normal(0, 1, case.x.shape))
    dx, updates = like(case.x.shape), GuardedVector(np.zeros(3))
    case.backward(delta, dx, updates, None, exact=1)

    def objective(x):
        z, *_ = batchnorm.batchnorm_forward_train(
            to_nchw(x), case.scales.values, case.biases.values, form
        )
        return (to_nhwc(activations.activate(activation, z)) * delta.values).sum()

    x, step = case.x.values.astype(np.float64), 1e-5
    slope = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        slope[index] = (objective(up) - objective(down)) / (2 * step)
    np.testing.assert_allclose(dx.values, slope, atol=2e-5)


def test_darknets_backward_is_exact_up_to_its_stated_factors(rng):
    """With divisor M and epsilon inside the root the chain of the paper is the derivative."""
    case = Case(rng, (3, 6, 5, 4), "cudnn", "linear")
    case.forward()
    delta = GuardedTensor(rng.normal(0, 1, case.x.shape))
    results = []
    for exact in (0, 1):
        dx = like(case.x.shape)
        case.backward(delta, dx, GuardedVector(np.zeros(4)), None, exact)
        results.append(dx.values)
    np.testing.assert_allclose(results[0], results[1], atol=16 * EPS * 3)


def test_a_constant_channel_has_a_finite_backward(rng):
    for form in FORMS:
        for exact in (0, 1):
            case = Case(rng, (2, 3, 3, 5), form, "linear")
            case.x.values[..., 2] = 1.5
            case.forward()
            dx = like(case.x.shape)
            delta = GuardedTensor(rng.normal(0, 1, case.x.shape))
            case.backward(delta, dx, GuardedVector(np.zeros(5)), None, exact)
            assert np.isfinite(dx.values).all()


def test_same_bits_for_any_number_of_threads(every_simd, rng, threads):
    results = []
    for count in (1, 2, 7):
        threads(count)
        generator = np.random.default_rng(5)
        case = Case(generator, (3, 50, 31, 40), "pjreddie", "leaky")
        case.forward()
        delta = GuardedTensor(generator.normal(0, 1, case.x.shape))
        dx, updates, biases = like(case.x.shape), *(GuardedVector(np.zeros(40)) for _ in range(2))
        case.backward(delta, dx, updates, biases)
        outputs = (case.y, case.mean, case.variance, dx, updates, biases)
        results.append([output.values.copy() for output in outputs])
    for other in results[1:]:
        for left, right in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("activation", ["linear", "leaky", "logistic", "elu"])
@pytest.mark.parametrize("shape", SHAPES)
def test_bias_backward(every_simd, rng, activation, shape):
    y = activations.activate(activation, rng.normal(0, 2, shape)).astype(np.float32)
    values = rng.normal(0, 1, shape).astype(np.float32)
    delta, saved = GuardedTensor(values), GuardedTensor(y, gap=6)
    updates = GuardedVector(np.ones(shape[-1]))
    args = struct(
        "dk_bias_backward",
        {
            "saved": none_tensor(shape) if activation == "linear" else saved.struct,
            "delta": delta.struct,
            "bias_updates": updates.pointer,
            "activation": kind_of(activation),
        },
    )
    work = GuardedVector(np.full(lib.dk_bias_backward_workspace(args) // 4, np.nan))
    args.workspace = work.pointer
    assert lib.dk_bias_backward(args) == lib.DK_OK
    exact = values * activations.gradient(activation, y)
    np.testing.assert_allclose(delta.values, exact, rtol=4 * EPS, atol=4 * EPS)
    limit = 8 * EPS * np.sqrt(values.size / shape[-1])
    np.testing.assert_allclose(updates.values, 1 + exact.sum((0, 1, 2)), atol=4 * limit)
    for guarded in (delta, updates, work):
        guarded.check()
    without = GuardedTensor(values)
    args.delta, args.bias_updates, args.workspace = without.struct, null, null
    assert lib.dk_bias_backward(args) == lib.DK_OK
    np.testing.assert_array_equal(without.values, delta.values)


def test_bad_arguments_are_refused(rng):
    case = Case(rng, (1, 2, 2, 3), "cudnn", "tanh")
    args = {"x": case.x.struct, "y": like((1, 2, 2, 4)).struct, "activation": lib.DK_RELU}
    assert lib.dk_batchnorm_forward(struct("dk_batchnorm", args)) == lib.DK_BAD_SHAPE
    args = {"x": case.x.struct, "y": case.y.struct, "activation": -1}
    assert lib.dk_batchnorm_apply(struct("dk_batchnorm", args)) == lib.DK_BAD_ARGUMENT
    delta = case.y.struct
    args = {"x": case.x.struct, "delta": delta, "dx": delta, "activation": lib.DK_TANH}
    args["y"] = {**case.y.struct, "data": pointer(None)}
    refused = lib.dk_batchnorm_backward(struct("dk_batchnorm_backward", args))
    assert refused == lib.DK_BAD_ARGUMENT


@pytest.mark.parametrize("channels", [64, 76])
def test_outputs_of_more_than_16_mb_go_around_the_caches(every_simd, rng, channels):
    case = Case(rng, (3, 200, 131, channels), "pjreddie", "leaky")
    case.forward()
    want = case.y.values.copy()
    case.y = like(case.x.shape, 80 - channels, offset=None)
    assert case.y.pixels.nbytes > 16 << 20
    case.forward()
    np.testing.assert_array_equal(case.y.values, want)
