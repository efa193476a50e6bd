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
    """Name of the algorithm that the engine chooses: a rule of shape, pass and instruction set.

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
    """Name of the algorithm in bf16 that the engine prefers to all others; None where none is.

    Parameters
    ----------
    shape, out
        As above. The batch does not count, as an image's answer must not depend on the others.

    Returns
    -------
    str or None
        None also where this machine has no bf16.
    """
    number = lib.dk_convolution_choose_bf16(struct("dk_conv_shape", shape), *out)
    return None if number == lib.DK_CONV_AUTO else ALGORITHMS[number]
