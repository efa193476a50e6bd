"""The machine's limits as contenders: streams with the same reads and writes, and multiply-adds."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MultiplyAdds", "Stream", "build"]

#: The most arrays that limits.c reads and writes in one pass.
INPUTS, OUTPUTS = 3, 2

SOURCE = Path(__file__).resolve().parent.parent / "limits.c"


def build(folder: Path) -> str | None:
    """Compile limits.c into `folder`; None where there is no C compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "limits.so"
    flags = ["-O3", "-march=native", "-fopenmp", "-ffp-contract=fast", "-shared", "-fPIC"]
    result = subprocess.run(
        [compiler, *flags, str(SOURCE), "-o", str(library)], capture_output=True, check=False
    )
    return str(library) if result.returncode == 0 else None


class Stream:
    """Passes over arrays of ``task["count"]`` floats.

    ``task["passes"]`` lists (reads, writes, share of the arrays) per pass.
    """

    def __init__(self, task: Mapping[str, Any]) -> None:
        self.lib = ctypes.CDLL(task["library"])
        self.threads = task["threads"]
        self.streaming = int(task["mode"] == "streaming")
        self.passes = task["passes"]
        count = -(-task["count"] // 64) * 64
        needed = INPUTS + OUTPUTS
        memory = np.ones(needed * count + 16, np.float32)
        skip = -memory.ctypes.data % 64 // 4
        self.arrays = [memory[skip + k * count :][:count] for k in range(needed)]
        pointers = [array.ctypes.data for array in self.arrays]
        self.inputs = (ctypes.c_void_p * INPUTS)(*pointers[:INPUTS])
        self.outputs = (ctypes.c_void_p * OUTPUTS)(*pointers[INPUTS:])
        self.count = count

    def run(self) -> None:
        """All passes once."""
        for reads, writes, share in self.passes:
            whole, rest = divmod(share, 1)
            for part in [1.0] * int(whole) + [rest] * (rest > 0):
                count = ctypes.c_int64(int(self.count * part) // 64 * 64)
                self.lib.limits_stream(
                    reads, writes, self.streaming, self.inputs, self.outputs, count, self.threads
                )

    def answer(self) -> npt.NDArray[np.float32]:
        """Nothing to compare."""
        return np.zeros(1, np.float32)


class MultiplyAdds:
    """Multiply-adds in registers; `answer` tells how many operations a run has."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self.function = ctypes.CDLL(task["library"]).limits_fma
        self.function.restype = ctypes.c_double
        self.arguments = (
            ctypes.c_int64(4_000_000),
            task["threads"],
            ctypes.byref(ctypes.c_float()),
        )

    def run(self) -> float:
        """One turn."""
        operations: float = self.function(*self.arguments)
        return operations

    def answer(self) -> npt.NDArray[np.float64]:
        """Operations of a run."""
        return np.array([self.run()])
