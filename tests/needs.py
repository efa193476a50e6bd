"""What a test needs of the machine: it skips where that is missing."""

from __future__ import annotations

import pytest

from darkpy.engine import simd

__all__ = ["needs_bf16"]

needs_bf16 = pytest.mark.skipif(
    not simd.has_bf16(), reason="no AVX512_BF16 here, or DARKPY_SIMD rules it out"
)
