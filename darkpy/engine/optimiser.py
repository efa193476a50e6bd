"""Weight updates on the engine's own arrays; formulas in csrc/simd/optimiser_kernels.h."""

from __future__ import annotations

from collections.abc import Sequence

from darkpy.engine import boundary
from darkpy.engine.boundary import FloatArray, lib, pointer
from darkpy.engine.enums import OPTIMISERS
from darkpy.errors import ShapeError

__all__ = ["update"]


def update(
    optimiser: str,
    weights: FloatArray,
    updates: FloatArray,
    state: Sequence[FloatArray] = (),
    *,
    rate: float,
    **numbers: float,
) -> bool:
    """Update weights in place; return whether all of them are finite.

    Parameters
    ----------
    optimiser : str
        One of `darkpy.engine.enums.OPTIMISERS`.
    weights, updates : ndarray of float32, shape (n,)
        Read and written.
    state : sequence of ndarray of float32, shape (n,)
        The optimiser's own arrays, read and written.
    rate, **numbers
        The fields of ``struct dk_update`` that the optimiser's formula reads; those that are left
        out are 0.

    Raises
    ------
    ShapeError
        The arrays differ in size.
    """
    if any(array.size != weights.size for array in (updates, *state)):
        raise ShapeError(f"{optimiser} needs updates and state of {weights.size} values")
    fields = {
        "optimiser": OPTIMISERS.index(optimiser),
        "n": weights.size,
        "weights": pointer(weights),
        "updates": pointer(updates),
        "state": [pointer(array) for array in state],
        "rate": rate,
    }
    status = lib.dk_update(boundary.struct("dk_update", fields | numbers))
    if status == lib.DK_NOT_FINITE:  # the only status that is not a mistake of the caller
        return False
    boundary.check(status, "dk_update")
    return True
