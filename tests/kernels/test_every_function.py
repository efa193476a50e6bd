"""What all functions of darkpy.kernels promise: bad arrays are named, empty ones give empty ones.

CALLS has a valid call of each function for a batch of n; a function that it lacks fails a test.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import darkpy.kernels as K
from darkpy.errors import DTypeError, ShapeError


def real(*shape):
    return np.random.default_rng(len(shape)).uniform(0.1, 0.9, shape).astype(np.float32)


def whole(*shape):
    return np.zeros(shape, np.int32)


def maps(n):
    return real(n, 4, 6, 6)


def elementwise(*names):
    """Inputs `names` and an output of one shape."""
    return lambda n: {name: maps(n) for name in (*names, "out")}


def per_filter(*names, out=maps, **vectors):
    """Maps `names`, vectors of a value per filter, and an output."""
    return lambda n: (
        {name: maps(n) for name in names}
        | {name: real(4) for name in vectors}
        | {"out": out(n) if out is maps else real(4)}
    )


def loss(n):
    return {name: maps(n) for name in ("pred", "truth", "delta", "error")}


def batchnorm(n):
    vectors = ("scales", "biases", "rolling_mean", "rolling_variance")
    return {"x": maps(n), "out": maps(n)} | {name: real(4) for name in vectors}


def batchnorm_backward(n):
    vectors = ("scales", "mean", "variance", "scale_updates", "bias_updates")
    return {name: maps(n) for name in ("x", "delta", "out")} | {name: real(4) for name in vectors}


def blend(n):
    return {name: maps(n) for name in ("a", "b", "s", "dc", "da", "db", "ds")}


CALLS = {
    "activate_array": lambda n: elementwise("x")(n) | {"activation": "logistic"},
    "add_bias": per_filter("output", biases=1),
    "avgpool_backward": lambda n: {"delta": real(n, 4, 1, 1), "shape": (6, 6), "out": maps(n)},
    "avgpool_forward": lambda n: {"x": maps(n), "out": real(n, 4, 1, 1)},
    "axpy_cpu": lambda n: elementwise("x", "y")(n) | {"alpha": 2.0},
    "backward_bias": per_filter("delta", out=real),
    "backward_scale_cpu": per_filter("x_norm", "delta", out=real),
    "backward_shortcut_multilayer_cpu": lambda n: {
        **{name: maps(n) for name in ("delta", "x", "out")},
        "sources": [maps(n)],
        "source_deltas": [maps(n)],
        "weights": real(2, 4),
        "weight_updates": real(2, 4),
    },
    "batchnorm_backward": batchnorm_backward,
    "batchnorm_forward": batchnorm,
    "binarize_cpu": elementwise("x"),
    "binarize_input": lambda n: {"x": real(3, n), "out": real(3, n)},
    "binarize_weights": lambda n: {"weights": maps(n), "out": maps(n)},
    "col2im_cpu": lambda n: {
        "columns": real(9 * n, 36),
        "shape": (n, 6, 6),
        "ksize": 3,
        "pad": 1,
        "out": real(n, 6, 6),
    },
    "col2im_cpu_ext": lambda n: {
        "columns": real(6 * n, 30),
        "shape": (n, 6, 6),
        "ksize": (2, 3),
        "pad": (0, 1),
        "out": real(n, 6, 6),
    },
    "const_cpu": lambda n: {"shape": (n, 3), "alpha": 2.0, "out": real(n, 3)},
    "constrain_cpu": lambda n: elementwise("x")(n) | {"alpha": 0.5},
    "convolution_backward_data": lambda n: {
        "grad_y": real(n, 3, 4, 4),
        "weights": real(3, 4, 3, 3),
        "plane": (6, 6),
        "out": maps(n),
    },
    "convolution_backward_weights": lambda n: {
        "x": maps(n),
        "grad_y": real(n, 3, 4, 4),
        "ksize": 3,
        "out": real(3, 4, 3, 3),
    },
    "convolution_forward": lambda n: {
        "x": maps(n),
        "weights": real(3, 4, 3, 3),
        "biases": real(3),
        "out": real(n, 3, 4, 4),
    },
    "copy_cpu": elementwise("x"),
    "cosine_similarity": lambda n: {"x": real(n), "y": real(n)},
    "deinter_cpu": lambda n: {"joined": real(n, 7), "split": 3, "x": real(n, 3), "y": real(n, 4)},
    "dot_cpu": lambda n: {"x": maps(n), "y": maps(n)},
    "dropout_backward": lambda n: {
        "delta": maps(n),
        "probability": 0.5,
        "seed": 3,
        "out": maps(n),
    },
    "dropout_forward": lambda n: {
        "x": maps(n),
        "probability": 0.5,
        "generator": 3,
        "out": maps(n),
    },
    "fill_cpu": lambda n: {"shape": (n, 3), "alpha": 2.0, "out": real(n, 3)},
    "fix_nan_and_inf_cpu": elementwise("x"),
    "flatten": lambda n: {"x": real(n, 4, 5), "out": real(n, 5, 4)},
    "gemm_cpu": lambda n: {"a": real(n, 5), "b": real(5, 3), "out": real(n, 3)},
    "get_embedding": lambda n: {"x": maps(max(n, 1)), "embedding_size": 4, "row": 1, "column": 2},
    "gradient_array": lambda n: elementwise("saved", "delta")(n) | {"activation": "logistic"},
    "im2col_cpu": lambda n: {"image": real(n, 6, 6), "ksize": 3, "pad": 1, "out": real(9 * n, 36)},
    "im2col_cpu_ext": lambda n: {
        "image": real(n, 6, 6),
        "ksize": (2, 3),
        "pad": (0, 1),
        "out": real(6 * n, 30),
    },
    "inter_cpu": lambda n: {"x": real(n, 3), "y": real(n, 4), "out": real(n, 7)},
    "l1_cpu": loss,
    "l2_cpu": loss,
    "l2normalize_cpu": elementwise("x", "dx"),
    "local_avgpool_backward": lambda n: {
        "delta": real(n, 4, 3, 3),
        "shape": (6, 6),
        "size": 2,
        "stride": 2,
        "padding": 0,
        "out": maps(n),
    },
    "local_avgpool_forward": lambda n: {
        "x": maps(n),
        "size": 2,
        "stride": 2,
        "padding": 0,
        "out": real(n, 4, 3, 3),
    },
    "logistic_x_ent_cpu": loss,
    "lrn_backward": elementwise("x", "delta"),
    "lrn_forward": elementwise("x", "norms"),
    "math_vector_length": lambda n: {"x": real(n)},
    "maxpool_backward": lambda n: {
        "delta": real(n, 4, 3, 3),
        "argmax": whole(n, 4, 3, 3),
        "shape": (6, 6),
        "out": maps(n),
    },
    "maxpool_forward": lambda n: {
        "x": maps(n),
        "size": 2,
        "stride": 2,
        "padding": 0,
        "out": real(n, 4, 3, 3),
        "argmax": whole(n, 4, 3, 3),
    },
    "mean_cpu": per_filter("x", out=real),
    "mean_delta_cpu": per_filter("delta", variance=1, out=real),
    "mul_cpu": elementwise("x", "y"),
    "mult_add_into_cpu": elementwise("x", "y"),
    "normalize_cpu": per_filter("x", mean=1, variance=1),
    "normalize_delta_cpu": per_filter(
        "x", "delta", mean=1, variance=1, mean_delta=1, variance_delta=1
    ),
    "pow_cpu": lambda n: elementwise("x")(n) | {"alpha": 2.0},
    "reorg_cpu": lambda n: {"x": maps(n), "out": real(n, 16, 3, 3)},
    "scal_add_cpu": lambda n: elementwise("x")(n) | {"alpha": 2.0, "beta": 1.0},
    "scal_cpu": lambda n: elementwise("x")(n) | {"alpha": 2.0},
    "scale_bias": per_filter("output", scales=1),
    "shortcut_cpu": elementwise("x", "add"),
    "shortcut_multilayer_cpu": lambda n: {
        "x": maps(n),
        "out": maps(n),
        "sources": [maps(n)],
        "weights": real(2, 4),
    },
    "smooth_l1_cpu": loss,
    "softmax": lambda n: {"x": real(n), "out": real(n)},
    "softmax_cpu": lambda n: {"x": real(n, 8), "out": real(n, 8)},
    "softmax_x_ent_cpu": loss,
    "upsample_cpu": lambda n: {"x": maps(n), "out": real(n, 4, 12, 12)},
    "variance_cpu": per_filter("x", mean=1, out=real),
    "variance_delta_cpu": per_filter("x", "delta", mean=1, variance=1, out=real),
    "weighted_delta_cpu": blend,
    "weighted_sum_cpu": elementwise("a", "b", "s"),
}
#: No arrays among their arguments.
WITHOUT_ARRAYS = {"activate", "gradient", "gradient_needs_input"}
FUNCTIONS = sorted(name for name in dir(K) if inspect.isfunction(getattr(K, name)))
FUNCTIONS = [name for name in FUNCTIONS if not name.startswith("_")]

#: Written where they are given, whatever the function.
OUTPUTS = {"out", "argmax", "norms", "dx", "error", "da", "db", "ds", "source_deltas"}
OUTPUTS |= {"weight_updates", "scale_updates", "bias_updates", "rolling_mean", "rolling_variance"}
ALSO_OUTPUTS = {name: {"delta"} for name, call in CALLS.items() if call is loss}
ALSO_OUTPUTS |= {"deinter_cpu": {"x", "y"}, "maxpool_backward": set()}


def outputs_of(function):
    named = {name for name, value in CALLS[function](2).items() if is_array(value)}
    written = (OUTPUTS | ALSO_OUTPUTS.get(function, set())) & named
    return written - ({"argmax"} if function == "maxpool_backward" else set())


def is_array(value):
    return isinstance(value, (np.ndarray, list))


def first(value):
    return value[0] if isinstance(value, list) else value


def changed(function, argument, change):
    """A valid call but for one array, which `change` gets and replaces."""
    call = CALLS[function](2)
    value = call[argument]
    call[argument] = [change(value[0])] if isinstance(value, list) else change(value)
    return call


PAIRS = [(f, a) for f in CALLS for a, value in CALLS[f](2).items() if is_array(value)]
WRITTEN = [(f, a) for f in CALLS for a in sorted(outputs_of(f))]
INPUTS = [(f, a) for f, a in PAIRS if (f, a) not in WRITTEN]
#: Those whose second axis nothing else determines, though there are other inputs: a shortcut joins
#: what is there of both, and takes a weight for any share of an image.
ANY_LENGTH = {("gemm_cpu", "b"), ("inter_cpu", "x"), ("inter_cpu", "y")}
ANY_LENGTH |= {("convolution_backward_weights", "x"), ("convolution_backward_weights", "grad_y")}
ANY_LENGTH.add(("convolution_backward_data", "weights"))
SHORTCUTS = ("shortcut_cpu", "shortcut_multilayer_cpu", "backward_shortcut_multilayer_cpu")
ANY_LENGTH |= {(f, a) for f in SHORTCUTS for a in ("x", "add", "sources", "weights")}
FITTING = [
    (f, a) for f, a in INPUTS if (f, a) not in ANY_LENGTH and sum(g == f for g, _ in INPUTS) > 1
]
#: An output and what is read, or written, beside it.
TOGETHER = [(f, o, a) for f, o in WRITTEN for g, a in PAIRS if f == g and o != a]


def test_every_function_is_tested_here():
    assert set(FUNCTIONS) == set(CALLS) | WITHOUT_ARRAYS
    for name in CALLS:
        parameters = inspect.signature(getattr(K, name)).parameters.values()
        arrays = {p.name for p in parameters if "Array" in str(p.annotation)}
        given = {argument for function, argument in PAIRS if function == name}
        assert arrays == given, name


@pytest.mark.parametrize("function", CALLS)
def test_the_calls_are_valid(function):
    getattr(K, function)(**CALLS[function](2))


@pytest.mark.parametrize(("function", "argument"), PAIRS)
def test_another_type_is_named(function, argument):
    for change in (
        lambda array: array.astype(np.float64),
        lambda array: array.astype(array.dtype.newbyteorder()),
        lambda array: array.tolist(),
    ):
        with pytest.raises(DTypeError, match=rf"\b{argument}\b"):
            getattr(K, function)(**changed(function, argument, change))


@pytest.mark.parametrize(("function", "argument"), PAIRS)
def test_gaps_and_misaligned_memory_are_named(function, argument):
    def with_gaps(array):
        return np.repeat(array, 2, axis=-1)[..., ::2]

    def misaligned(array):
        raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
        return raw.view(array.dtype).reshape(array.shape)

    for change in (with_gaps, misaligned):
        with pytest.raises(ShapeError, match=rf"\b{argument}\b"):
            getattr(K, function)(**changed(function, argument, change))


@pytest.mark.parametrize(("function", "argument"), WRITTEN)
def test_outputs_of_another_shape_are_named(function, argument):
    for change in (
        lambda array: np.concatenate([array, array]),
        lambda array: array[..., :-1].copy(),
        lambda array: array[None],
        lambda array: array[:0],
    ):
        with pytest.raises(ShapeError, match=rf"\b{argument}\b"):
            getattr(K, function)(**changed(function, argument, change))


@pytest.mark.parametrize(("function", "argument"), FITTING)
def test_inputs_that_do_not_fit_the_others_raise(function, argument):
    call = changed(
        function, argument, lambda array: np.concatenate([array] * 3, int(array.ndim > 1))
    )
    for name in outputs_of(function):
        del call[name]
    with pytest.raises(ShapeError):
        getattr(K, function)(**call)


@pytest.mark.parametrize(("function", "argument"), WRITTEN)
def test_read_only_outputs_are_named(function, argument):
    def locked(array):
        array.flags.writeable = False
        return array

    with pytest.raises(ShapeError, match=rf"\b{argument}\b.*read-only"):
        getattr(K, function)(**changed(function, argument, locked))


@pytest.mark.parametrize(("function", "written", "other"), TOGETHER)
def test_overlaps_are_named(function, written, other):
    """A part of an output lies in another array: at one value's distance, which fits none."""
    call = CALLS[function](2)
    memory = np.zeros(first(call[written]).size + first(call[other]).size, np.float32)
    for name, begin in ((written, 1), (other, 0)):
        old = first(call[name])
        new = memory[begin : begin + old.size].view(old.dtype).reshape(old.shape)
        call[name] = [new] if isinstance(call[name], list) else new
    with pytest.raises(ShapeError, match=rf"\b({written}|{other})\b.*share memory"):
        getattr(K, function)(**call)


def given_without_outputs(function, n):
    return {a: v for a, v in CALLS[function](n).items() if a not in outputs_of(function)}


@pytest.mark.parametrize("function", CALLS)
def test_empty_arrays(function):
    """Outputs per image are empty; sums over no image are 0, means of none NaN, as NumPy's."""
    results = getattr(K, function)(**given_without_outputs(function, 0))
    normal = getattr(K, function)(**given_without_outputs(function, 2))
    if not isinstance(results, tuple):
        results, normal = (results,), (normal,)
    for result, other in zip(results, normal, strict=True):
        for part, full in zip(
            *((value if isinstance(value, list) else [value]) for value in (result, other)),
            strict=True,
        ):
            if not isinstance(part, np.ndarray):
                continue
            assert part.dtype == full.dtype and part.ndim == full.ndim
            if part.size:
                assert part.shape == full.shape
                is_mean = function in ("mean_cpu", "variance_cpu", "batchnorm_forward")
                np.testing.assert_array_equal(np.isnan(part), is_mean)
                assert is_mean or function == "get_embedding" or not part.any()
    getattr(K, function)(**CALLS[function](0))


def test_numbers_of_empty_arrays_are_numpys():
    empty = np.empty(0, np.float32)
    assert K.dot_cpu(empty, empty) == np.dot(empty, empty) == 0
    assert K.math_vector_length(empty) == np.linalg.norm(empty) == 0
