"""Matrix products: NumPy's BLAS and darkpy's gemm_cpu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Darkpy", "NumPy"]


class NumPy:
    """``np.matmul`` into a given output."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        rows, columns, depth = task["shape"]
        rng = np.random.default_rng(0)
        self.a = rng.standard_normal((rows, depth), np.float32)
        self.b = rng.standard_normal((depth, columns), np.float32)
        self.out = np.empty((rows, columns), np.float32)

    def run(self) -> npt.NDArray[np.float32]:
        """Multiply."""
        return np.matmul(self.a, self.b, out=self.out)

    answer = run


class Darkpy(NumPy):
    """``darkpy.kernels.gemm_cpu`` into a given output."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        super().__init__(task)
        import darkpy

        darkpy.set_num_threads(task["threads"])
        self.gemm = darkpy.kernels.gemm_cpu

    def run(self) -> npt.NDArray[np.float32]:
        """Multiply."""
        return self.gemm(self.a, self.b, out=self.out)

    answer = run
