"""Convolution algorithms, by name."""

from __future__ import annotations

from collections.abc import Mapping

from darkpy.engine.boundary import lib, struct
from darkpy.engine.enums import ALGORITHMS, PASSES
from darkpy.errors import ArgumentError

__all__ = ["ALGORITHMS", "PASSES", "algorithm_number", "chosen_algorithm", "chosen_bf16"]


def algorithm_number(name: str) -> int:
    """Return the C core's number of an algorithm, or raise ArgumentError naming what exists."""
    if name not in ALGORITHMS:
        raise ArgumentError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {name!r}")
    return ALGORITHMS.index(name)


def chosen_algorithm(
    shape: Mapping[str, int], batch: int, out: tuple[int, int], passed: str = "forward"
) -> str:
    """Return the name of the algorithm that the engine chooses.

    The choice follows from the shape, the batch, the pass and the instruction set alone.

    Parameters
    ----------
    shape : mapping
        The fields of ``struct dk_conv_shape``: channels, filters, groups, size_h, ..., dilation_w.
    batch : int
    out : (int, int)
        Height and width of the output.
    passed : str
        One of PASSES.

    Returns
    -------
    str
        One of ALGORITHMS, never "auto".
    """
    number = lib.dk_convolution_choose(
        struct("dk_conv_shape", shape), batch, *out, PASSES.index(passed)
    )
    return ALGORITHMS[number]


def chosen_bf16(shape: Mapping[str, int], out: tuple[int, int]) -> str | None:
    """Return the name of the bf16 algorithm that the engine prefers to those in float32, if any.

    Parameters
    ----------
    shape, out
        As for `chosen_algorithm`. The batch plays no part: an image's answer must not depend on the
        images beside it.

    Returns
    -------
    str or None
        None if float32 is faster, or if this machine has no bf16.
    """
    number = lib.dk_convolution_choose_bf16(struct("dk_conv_shape", shape), *out)
    return None if number == lib.DK_CONV_AUTO else ALGORITHMS[number]
