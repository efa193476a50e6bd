"""Batch normalisation as the engine does it: a pass for the statistics, a pass for the rest.

Shapes, M, the sign of a delta, accuracy and threads: `darkpy.kernels.per_filter`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    float_array,
    lib,
    no_overlap,
    no_partial_overlap,
    null,
    output_array,
    pointer,
    real,
)
from darkpy.engine.workspace import call_with_workspace
from darkpy.errors import ArgumentError
from darkpy.kernels.per_filter import filter_array, filter_vector, plane_tensor, variant_rules

__all__ = [
    "BatchnormBackward",
    "BatchnormForward",
    "batchnorm_backward",
    "batchnorm_forward",
]


class BatchnormForward(NamedTuple):
    """The result of `batchnorm_forward`."""

    #: shape of x
    output: FloatArray
    #: (filters,): the statistics that were used
    mean: FloatArray
    variance: FloatArray


class BatchnormBackward(NamedTuple):
    """The result of `batchnorm_backward`."""

    #: delta of the input, shape of x
    delta: FloatArray
    #: (filters,)
    scale_updates: FloatArray
    bias_updates: FloatArray


def batchnorm_forward(
    x: FloatArray,
    scales: FloatArray,
    biases: FloatArray,
    rolling_mean: FloatArray | None = None,
    rolling_variance: FloatArray | None = None,
    *,
    train: bool = True,
    rolling: float = 0.01,
    variant: str = "pjreddie-cpu",
    epsilon: float | None = None,
    out: FloatArray | None = None,
) -> BatchnormForward:
    """Batch normalisation as the engine does it: one pass for the statistics, one for the rest.

    ``output = scales * (x - mean) / D(variance) + biases``, per filter, with

    ============ ====================== ===========================
    variant      variance               D
    ============ ====================== ===========================
    pjreddie-cpu sum of squares / (M-1) sqrt(variance) + 1e-6
    alexeyab     sum of squares / (M-1) sqrt(variance + 1e-5)
    cudnn        sum of squares / M     sqrt(variance + 1e-5)
    ============ ====================== ===========================

    Parameters
    ----------
    x : ndarray of float32, shape (batch, filters, ...)
    scales, biases : ndarray of float32, shape (filters,)
        The paper's gamma and beta.
    rolling_mean, rolling_variance : ndarray of float32, shape (filters,), optional
        Training updates them in place: ``r = (1 - rolling) * r + rolling * new``.  Inference
        normalises with them and needs both.
    train : bool
        True: the statistics of this batch; False: the rolling ones.
    rolling : float
        Weight of the new statistics, 0 to 1; other programs call one minus this the momentum.
    variant : {"pjreddie-cpu", "alexeyab", "cudnn"}
    epsilon : float, optional
        Replaces the variant's epsilon; >= 0.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `x` itself (in place).

    Returns
    -------
    BatchnormForward
        ``(output, mean, variance)``; the variance of a single value is 0.  If x is empty, `mean`
        and `variance` are NaN, as in NumPy, and the rolling ones stay as they were.

    Notes
    -----
    The statistics are numerically stable: the variance loses no digits when the mean is far from 0.
    Source: Ioffe and Szegedy (2015); Darknet `batchnorm_layer.c` forward_batchnorm_layer.
    """
    default, inside, biased, _ = variant_rules(variant)
    x, layout = filter_array("x", x)
    vectors = {"scales": scales, "biases": biases}
    inputs = {name: filter_vector(name, array, layout[1]) for name, array in vectors.items()}
    rolled: dict[str, FloatArray] = {}
    for name, array in (("rolling_mean", rolling_mean), ("rolling_variance", rolling_variance)):
        if array is not None:
            rolled[name] = float_array(name, array, (layout[1],), writable=train)
        elif not train:
            raise ArgumentError(f"{name} must be given when train is False")
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, x=x)
    no_overlap(out=result, **inputs, **rolled)
    weight = real("rolling", rolling)
    if not 0 <= weight <= 1:
        raise ArgumentError(f"rolling must be 0 to 1, got {rolling}")
    if train:
        for name, written in rolled.items():
            others = {k: v for k, v in rolled.items() if k != name}
            no_overlap(**{name: written}, x=x, **inputs, **others)
        mean, variance = (np.full(layout[1], np.nan, np.float32) for _ in range(2))
    else:
        mean, variance = rolled["rolling_mean"].copy(), rolled["rolling_variance"].copy()
    fields = {
        "x": plane_tensor(x, layout),
        "y": plane_tensor(result, layout),
        **{name: pointer(array) for name, array in (inputs | rolled).items()},
        "mean": pointer(mean),
        "variance": pointer(variance),
        "rolling": weight,
        "epsilon": _epsilon(epsilon, default),
        "epsilon_inside": inside,
        "biased": biased,
        "activation": lib.DK_LINEAR,
    }
    function = "dk_batchnorm_forward_nchw" if train else "dk_batchnorm_apply_nchw"
    if x.size:
        call_with_workspace(function, fields)
    return BatchnormForward(result, mean, variance)


def _epsilon(given: float | None, default: float) -> float:
    if given is None:
        return default
    value = real("epsilon", given)
    if not value >= 0:
        raise ArgumentError(f"epsilon must be 0 or more, got {given}")
    return value


def batchnorm_backward(
    x: FloatArray,
    delta: FloatArray,
    scales: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    *,
    scale_updates: FloatArray | None = None,
    bias_updates: FloatArray | None = None,
    variant: str = "pjreddie-cpu",
    epsilon: float | None = None,
    exact: bool | None = None,
    out: FloatArray | None = None,
) -> BatchnormBackward:
    """Backward of `batchnorm_forward`: one pass for the three sums, one for the input's delta.

    With d = delta: ``bias_updates += sum d``, ``scale_updates += sum d * (x - mean) /
    D(variance)``, and the input's delta either by Darknet's chain (`mean_delta_cpu`,
    `variance_delta_cpu`, `normalize_delta_cpu` of ``scales * d``) or, `exact`, the derivative of
    the forward.

    Parameters
    ----------
    x, delta : ndarray of float32, shape (batch, filters, ...)
        The forward's input, and the delta of its output.
    scales, mean, variance : ndarray of float32, shape (filters,)
        As the forward used and returned them.
    scale_updates, bias_updates : ndarray of float32, shape (filters,), optional
        Added to; without them the sums start from 0.
    variant : {"pjreddie-cpu", "alexeyab", "cudnn"}
        As in the forward.
    epsilon : float, optional
        As in the forward.
    exact : bool, optional
        True: the exact derivative; False: Darknet's chain, which uses M and sqrt(variance + 1e-5)
        whatever the forward used.  The default is exact for cudnn only.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `delta` itself (in place), as in Darknet.

    Returns
    -------
    BatchnormBackward
        ``(delta, scale_updates, bias_updates)``.

    Notes
    -----
    Linear in delta, so that gradients of either sign can be passed.
    Source: Ioffe and Szegedy (2015); Darknet `batchnorm_layer.c` backward_batchnorm_layer.
    """
    default, inside, biased, is_exact = variant_rules(variant)
    x, layout = filter_array("x", x)
    delta = float_array("delta", delta, x.shape)
    vectors = {"scales": scales, "mean": mean, "variance": variance}
    inputs = {name: filter_vector(name, array, layout[1]) for name, array in vectors.items()}
    result = output_array("out", out, x.shape)
    updates = {
        "scale_updates": accumulator("scale_updates", scale_updates, (layout[1],)),
        "bias_updates": accumulator("bias_updates", bias_updates, (layout[1],)),
    }
    no_partial_overlap(out=result, x=x, delta=delta)
    no_overlap(out=result, **inputs, **updates)
    no_overlap(scale_updates=updates["scale_updates"], bias_updates=updates["bias_updates"])
    for name, array in updates.items():
        no_overlap(**{name: array}, x=x, delta=delta, **inputs)
    fields = {
        "x": plane_tensor(x, layout),
        "y": {**plane_tensor(x, layout), "data": null},
        "delta": plane_tensor(delta, layout),
        "dx": plane_tensor(result, layout),
        **{name: pointer(array) for name, array in (inputs | updates).items()},
        "biases": pointer(inputs["scales"]),  # not read without an activation
        "epsilon": _epsilon(epsilon, default),
        "epsilon_inside": inside,
        "exact": is_exact if exact is None else exact,
        "biased": biased,
        "activation": lib.DK_LINEAR,
    }
    if x.size:
        call_with_workspace("dk_batchnorm_backward_nchw", fields)
    return BatchnormBackward(result, updates["scale_updates"], updates["bias_updates"])
