"""Dropout whose mask is a function of a seed, so that it need not be stored for the backward."""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import (
    FloatArray,
    accumulator,
    check,
    float_array,
    lib,
    no_overlap,
    no_partial_overlap,
    output_array,
    pointer,
    real,
    size,
    struct,
)
from darkpy.errors import ArgumentError

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray,
    probability: float,
    generator: np.random.Generator | int,
    *,
    out: FloatArray | None = None,
) -> tuple[FloatArray, int]:
    """Set each value to 0 with this probability and multiply the others by 1 / (1 - probability).

    Parameters
    ----------
    x : ndarray of float32, any shape
    probability : float
        0 to 1; in steps of 2**-24.
    generator : numpy.random.Generator or int
        A generator, from which one 64-bit seed is drawn, or the seed itself, 0 to 2**64 - 1.
    out : ndarray, optional
        x's shape; may be x itself.  Overwritten.

    Returns
    -------
    y : ndarray of float32
    seed : int
        For `dropout_backward`.

    Notes
    -----
    The mask depends on the seed and the flat position alone: the same for every thread count,
    instruction set and machine.  Generator: SplitMix64 (Steele, Lea, Flood 2014).  Error: one
    rounding. Source: Darknet dropout_layer.c, which calls rand().
    """
    x = float_array("x", x)
    if isinstance(generator, np.random.Generator):
        seed = int(generator.integers(0, 1 << 64, dtype=np.uint64))
    else:
        seed = size("generator", generator, 0, (1 << 64) - 1)
    y = output_array("out", out, x.shape)
    no_partial_overlap(out=y, x=x)
    _drop(x, y, probability, seed, accumulate=False)
    return y, seed


def dropout_backward(
    delta: FloatArray, probability: float, seed: int, *, out: FloatArray | None = None
) -> FloatArray:
    """Apply the mask of `dropout_forward` to a delta: ``out += delta * mask / (1 - probability)``.

    delta has x's shape; probability and seed are those of the forward pass.  Accumulates into
    out; a new array starts from 0.  Source: Darknet dropout_layer.c backward_dropout_layer.
    """
    delta = float_array("delta", delta)
    size("seed", seed, 0, (1 << 64) - 1)
    result = accumulator("out", out, delta.shape)
    no_overlap(out=result, delta=delta)
    _drop(delta, result, probability, seed, accumulate=True)
    return result


def _drop(x: FloatArray, y: FloatArray, probability: float, seed: int, *, accumulate: bool) -> None:
    share = real("probability", probability)
    if not 0 <= share <= 1:
        raise ArgumentError(f"probability must be 0 to 1, got {probability!r}")
    if not x.size:
        return
    sizes = {"batch": 1, "height": 1, "width": 1, "channels": x.size, "stride": x.size}
    fields = {
        "x": {"data": pointer(x), **sizes},
        "y": {"data": pointer(y), **sizes},
        "probability": share,
        "seed": seed,
        "accumulate": int(accumulate),
    }
    check(lib.dk_dropout(struct("dk_dropout", fields)), "dropout")
