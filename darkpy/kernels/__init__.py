"""Darknet's kernels as NumPy functions."""

from darkpy.kernels import simd as _simd  # noqa: F401  (chooses the instruction set)
