"""Matrix products: NumPy's BLAS, darkpy's gemm_cpu, PyTorch, Darknet."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Darknet", "Darkpy", "NumPy", "PyTorch"]


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


class PyTorch(NumPy):
    """``torch.mm`` into a given output."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        super().__init__(task)
        import torch

        torch.set_num_threads(task["threads"])
        self.mm = torch.mm
        self.tensors = [torch.from_numpy(array) for array in (self.a, self.b, self.out)]

    def run(self) -> npt.NDArray[np.float32]:
        """Multiply."""
        a, b, out = self.tensors
        self.mm(a, b, out=out)
        return self.out

    answer = run


class Darknet(NumPy):
    """``gemm`` of Darknet's library."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        super().__init__(task)
        rows, columns, depth = task["shape"]
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (self.a, self.b, self.out)]
        a, b, out = pointers
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        self.arguments = (0, 0, rows, columns, depth, one, a, depth, b, columns, zero, out, columns)
        self.gemm = ctypes.CDLL(task["library"]).gemm

    def run(self) -> npt.NDArray[np.float32]:
        """Multiply."""
        self.gemm(*self.arguments)
        return self.out

    answer = run
