"""Copies between users' NCHW arrays and the tensors of a bound program."""

from __future__ import annotations

from darkpy.engine.boundary import FloatArray, check, lib, pointer
from darkpy.engine.program import Program, Tensor

__all__ = ["from_nchw", "to_nchw"]


def from_nchw(program: Program, array: FloatArray, tensor: Tensor) -> None:
    """Copy a contiguous (N, C, H, W) or (N, n) array into a tensor of `program`."""
    check(lib.dk_from_nchw(pointer(array), program.tensor_struct(tensor)), "dk_from_nchw")


def to_nchw(program: Program, tensor: Tensor, array: FloatArray) -> None:
    """Copy a tensor of `program` into a contiguous array, in Darknet's order."""
    check(lib.dk_to_nchw(program.tensor_struct(tensor), pointer(array)), "dk_to_nchw")
