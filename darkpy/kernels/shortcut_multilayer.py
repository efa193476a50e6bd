"""AlexeyAB's shortcut of several sources, with learned weights or without."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    float_array,
    lib,
    no_overlap,
    output_array,
    pointer,
)
from darkpy.errors import ArgumentError, ShapeError

__all__ = ["backward_shortcut_multilayer_cpu", "shortcut_multilayer_cpu"]

#: Added to the divisor of normalised weights.
EPSILON = 1e-4


def normalised_weights(weights: FloatArray, normalization: str) -> FloatArray:
    """Return weights (sources, count), normalised over the sources as `normalization` says."""
    if normalization == "none":
        return weights
    if normalization == "relu":
        positive = np.maximum(weights.astype(np.float64), 0)
    elif normalization == "softmax":
        positive = np.exp(weights.astype(np.float64) - weights.max(axis=0))
    else:
        raise ArgumentError(f"normalization must be none, relu or softmax, got {normalization!r}")
    shares: FloatArray = (positive / (positive.sum(axis=0) + EPSILON)).astype(np.float32)
    return shares


def _image_size(name: str, array: FloatArray, batch: int) -> int:
    size = math.prod(array.shape[1:])
    if array.ndim < 2 or array.shape[0] != batch or not size:
        raise ShapeError(f"{name} must have shape ({batch}, ...) with values, got {array.shape}")
    return size


def _numbered(name: str, arrays: Sequence[FloatArray]) -> dict[str, FloatArray]:
    return {f"{name}[{k}]": array for k, array in enumerate(arrays)}


def _check_apart(written: dict[str, FloatArray | None], read: dict[str, FloatArray | None]) -> None:
    """Raise ShapeError where an array that is written shares memory with any other."""
    while written:
        name = next(iter(written))
        array = written.pop(name)
        no_overlap(**{name: array}, **read, **written)


def _shares(
    weights: FloatArray | None, normalization: str, sources: int, outputs: int
) -> tuple[FloatArray | None, int]:
    """Return the factors (1 + sources, count), and how many neighbouring values share one."""
    if weights is None:
        if normalization != "none":
            raise ArgumentError("normalization must be none without weights")
        return None, outputs
    weights = float_array("weights", weights, (sources + 1, None))
    count = weights.shape[1]
    if not count or outputs % count:
        raise ShapeError(f"weights must have a divisor of {outputs} columns, got {count}")
    return np.ascontiguousarray(normalised_weights(weights, normalization)), outputs // count


def shortcut_multilayer_cpu(
    x: FloatArray,
    sources: Sequence[FloatArray],
    weights: FloatArray | None = None,
    *,
    normalization: str = "none",
    out: FloatArray | None = None,
) -> FloatArray:
    """Add layers: ``out = w[0] * x + sum of w[1 + k] * sources[k]``.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, ...)
    sources : sequence of ndarray of float32, shape (batch, ...)
        A value is added to the one with the same flat index in x's image. A shorter source adds
        nothing beyond its end; the rest of a longer one is not read.
    weights : ndarray of float32, shape (1 + sources, count), optional
        Each row holds one weight (count 1) or one per channel (count c); the values of an image
        are divided evenly among them.  All 1 by default.
    normalization : {"none", "relu", "softmax"}
        How the weights are normalised over the sources: relu
        ``max(w, 0) / (sum of max(w, 0) + 1e-4)``, softmax
        ``e**(w - max) / (sum of e**(w - max) + 1e-4)``.
    out : ndarray of float32, shape of x, optional
        Overwritten; shares no memory with the sources.

    Returns
    -------
    ndarray of float32, shape of x

    Raises
    ------
    ShapeError, DTypeError, ArgumentError
        Each names the argument, what was expected and what came.

    Notes
    -----
    Error: one rounding per source.  Threads: over images and weights.
    Source: AlexeyAB's blas.c shortcut_multilayer_cpu.
    """
    x = float_array("x", x)
    batch = x.shape[0] if x.ndim else 0
    outputs = _image_size("x", x, batch)
    result = output_array("out", out, x.shape)
    added = [float_array(f"sources[{k}]", source) for k, source in enumerate(sources)]
    factors, step = _shares(weights, normalization, len(added), outputs)
    no_overlap(out=result, x=x, weights=weights)
    for k, source in enumerate([x, *added]):
        name = f"sources[{k - 1}]" if k else "x"
        length = _image_size(name, source, batch)
        no_overlap(**{"out": result, name: source})
        share = pointer(None if factors is None else factors[k])
        sizes = (batch, length, pointer(source), outputs, pointer(result), share, step, int(k > 0))
        check(lib.dk_weighted_source(*sizes), "shortcut_multilayer_cpu")
    return result


def backward_shortcut_multilayer_cpu(
    delta: FloatArray,
    x: FloatArray,
    sources: Sequence[FloatArray],
    weights: FloatArray | None = None,
    *,
    normalization: str = "none",
    out: FloatArray | None = None,
    source_deltas: Sequence[FloatArray] | None = None,
    weight_updates: FloatArray | None = None,
) -> tuple[FloatArray, list[FloatArray], FloatArray | None]:
    """Backward of `shortcut_multilayer_cpu`, with the normalised weights as constants.

    ``out += w[0] * delta``, ``source_deltas[k] += w[1 + k] * delta``, ``weight_updates[k] += sum
    of delta * (x or sources[k - 1])`` over the values that share the weight.

    Parameters
    ----------
    delta : ndarray of float32, shape of x
    x, sources, weights, normalization
        As in the forward pass.
    out, source_deltas, weight_updates : optional
        Accumulated into; of the shapes of x, each source and `weights`.  New ones start from 0.

    Returns
    -------
    out : ndarray of float32
    source_deltas : list of ndarray of float32
    weight_updates : ndarray of float32, or None without weights

    Notes
    -----
    As in AlexeyAB's version, the derivative of the normalisation is left out.  The bits do not
    depend on the number of threads.  Source: AlexeyAB's blas.c backward_shortcut_multilayer_cpu.
    """
    x = float_array("x", x)
    batch = x.shape[0] if x.ndim else 0
    outputs = _image_size("x", x, batch)
    delta = float_array("delta", delta, x.shape)
    read = [x, *(float_array(f"sources[{k}]", source) for k, source in enumerate(sources))]
    factors, step = _shares(weights, normalization, len(read) - 1, outputs)
    given = [None] * (len(read) - 1) if source_deltas is None else list(source_deltas)
    if len(given) != len(read) - 1:
        raise ShapeError(f"source_deltas must be {len(read) - 1} arrays, got {len(given)}")
    results = [accumulator("out", out, x.shape)]
    results += [
        accumulator(f"source_deltas[{k}]", array, source.shape)
        for k, (array, source) in enumerate(zip(given, read[1:], strict=True))
    ]
    updates = (
        None if factors is None else accumulator("weight_updates", weight_updates, factors.shape)
    )
    _check_apart(
        {"out": results[0], **_numbered("source_deltas", results[1:]), "weight_updates": updates},
        {"delta": delta, "x": x, **_numbered("sources", read[1:]), "weights": weights},
    )
    for k, (source, result) in enumerate(zip(read, results, strict=True)):
        length = _image_size(f"sources[{k - 1}]" if k else "x", source, batch)
        share = pointer(None if factors is None else factors[k])
        sizes = (batch, outputs, pointer(delta), length, pointer(result), share, step, 1)
        check(lib.dk_weighted_source(*sizes), "backward_shortcut_multilayer_cpu")
        if updates is not None:
            arrays = (batch, length, pointer(source), outputs, pointer(delta), step)
            row = pointer(updates[k])
            status = lib.dk_weighted_source_updates(*arrays, updates.shape[1], row)
            check(status, "backward_shortcut_multilayer_cpu")
    return results[0], results[1:], updates
