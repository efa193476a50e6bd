"""The ways to compute a convolution, by name."""

from __future__ import annotations

from collections.abc import Mapping

from darkpy.kernels.boundary import lib, struct

__all__ = ["ALGORITHMS", "PASSES", "chosen_algorithm"]

#: Names of the algorithms, in the C core's order; "auto" is the engine's own choice among those for
#: float32.
ALGORITHMS = (
    *("auto", "im2col", "indirect", "winograd", "depthwise", "winograd-2x2"),
    "indirect-bf16",
)

#: Passes of a convolution, in the C core's order.
PASSES = ("forward", "backward_data", "backward_weights")


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
