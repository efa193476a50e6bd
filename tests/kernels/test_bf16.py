"""Convolution of bf16 pairs against float64 sums of operands that NumPy rounded."""

from __future__ import annotations

import numpy as np
import pytest
from references.convolution import convolution_forward as reference
from test_convolution import CASES

from darkpy.errors import KernelError
from darkpy.kernels import simd
from darkpy.kernels.boundary import check, lib, pointer, struct
from darkpy.kernels.convolution import convolution_forward
from guarded import GuardedTensor, like

EPS = 2.0**-23

needs_bf16 = pytest.mark.skipif(
    not simd.has_bf16(), reason="this processor has no AVX512_BF16, or DARKPY_SIMD rules it out"
)


def rounded(x):
    """To the nearest value with 8 significant bits, ties to even; what is denormal becomes 0."""
    mantissa, exponent = np.frexp(np.asarray(x, np.float64))
    value = np.ldexp(np.rint(mantissa * 256), exponent - 8)
    return np.where(np.abs(x) < np.finfo(np.float32).tiny, 0, value)
