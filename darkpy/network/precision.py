"""The number format of inference: float32, or bf16 where that is faster.

bf16 is the upper half of a float32. With ``precision="bf16"`` the layers whose filters are faster
that way keep rounded weights and round their inputs; sums, biases, activations and all other layers
stay float32. The choice of layers follows from shapes alone: neither the batch nor the number of
threads changes a bit of the result.
"""

from __future__ import annotations

from darkpy.engine.simd import has_bf16, simd
from darkpy.errors import ArgumentError, StateError

__all__ = ["check_precision", "need_float32"]

PRECISIONS = ("fp32", "bf16")


def check_precision(precision: str) -> str:
    """Return `precision` if it exists and this machine has it, else raise.

    Raises
    ------
    ArgumentError
        It is none of `PRECISIONS`, or this processor does not have it.
    """
    if precision not in PRECISIONS:
        raise ArgumentError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "bf16" and not has_bf16():
        raise ArgumentError(
            "precision 'bf16' needs a processor with AVX512_BF16 and the instruction set 'avx512', "
            f"in use is {simd()!r}" + (" without AVX512_BF16" if simd() == "avx512" else "")
        )
    return precision


def need_float32(precision: str, label: str, what: str) -> None:
    """Raise StateError unless the network is in float32.

    `what` completes the sentence "a network cannot be ...".
    """
    if precision != "fp32":
        raise StateError(
            f"{label}: with precision {precision!r} a network cannot be {what}, as its weights are "
            "rounded: load it with precision 'fp32'"
        )
