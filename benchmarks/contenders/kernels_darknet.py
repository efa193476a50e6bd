"""pjreddie's own kernels, from its shared library; most work in place."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from contenders.kernel_arrays import Arrays, FloatArray, KernelContender

__all__ = ["Kernel"]

#: Numbers of darknet.h's enum ACTIVATION.
LOGISTIC, LEAKY = 0, 7


def _argument(value: object) -> Any:
    if isinstance(value, np.ndarray):
        return value.ctypes.data_as(ctypes.c_void_p)
    return ctypes.c_float(value) if isinstance(value, float) else value


class Kernel(KernelContender):
    """One of the cases below, whose in-place work needs no copy back: only its time counts."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        if not task["library"]:
            raise RuntimeError("set DARKNET_LIB or give --darknet PATH")
        self.lib = ctypes.CDLL(task["library"])
        self.lib.dot_cpu.restype = ctypes.c_float
        super().__init__(task, self._cases())

    def _call(self, name: str, result: FloatArray | None, *arguments: object) -> Callable[[], Any]:
        """Prepare ``name(arguments)``, which leaves its result in `result`."""
        function = getattr(self.lib, name)
        ready = [_argument(value) for value in arguments]

        def run() -> Any:
            value = function(*ready)
            return value if result is None else result

        return run

    def _cases(self) -> dict[str, Callable[[Arrays], Callable[[], Any]]]:
        call = self._call

        def size(a: Arrays) -> int:
            return int(np.prod(a.shape))

        def sizes(a: Arrays) -> tuple[int, int, int]:
            n, c, h, w = a.shape
            return n, c, h * w

        def channel(a: Arrays) -> FloatArray:
            return np.zeros(a.channels, np.float32)

        def reduce(name: str, *names: str) -> Callable[[Arrays], Callable[[], Any]]:
            """A kernel whose result is one value per channel, at the end of its arguments."""

            def prepare(a: Arrays) -> Callable[[], Any]:
                out = channel(a)
                return call(name, out, *(getattr(a, n) for n in names), *sizes(a), out)

            return prepare

        return {
            "fill_cpu": lambda a: call("fill_cpu", a.out, size(a), 0.5, a.out, 1),
            "copy_cpu": lambda a: call("copy_cpu", a.out, size(a), a.x, 1, a.out, 1),
            "scal_cpu": lambda a: call("scal_cpu", None, size(a), 1.0, a.out, 1),
            "axpy_cpu": lambda a: call("axpy_cpu", None, size(a), 1e-6, a.x, 1, a.out, 1),
            "mul_cpu": lambda a: call("mul_cpu", None, size(a), a.out2, 1, a.out, 1),
            "dot_cpu": lambda a: call("dot_cpu", None, size(a), a.x, 1, a.x, 1),
            "mean_cpu": reduce("mean_cpu", "x"),
            "variance_cpu": reduce("variance_cpu", "x", "mean"),
            "normalize_cpu": lambda a: call(
                "normalize_cpu", None, a.out, a.mean, a.variance, *sizes(a)
            ),
            "add_bias": lambda a: call("add_bias", None, a.out, a.biases, *sizes(a)),
            # Scales of 1: others, applied again and again, would end in denormals.
            "scale_bias": lambda a: call("scale_bias", None, a.out, channel(a) + 1, *sizes(a)),
            "backward_bias": lambda a: call("backward_bias", None, channel(a), a.x, *sizes(a)),
            "mean_delta_cpu": reduce("mean_delta_cpu", "x", "variance"),
            "variance_delta_cpu": reduce("variance_delta_cpu", "x", "y", "mean", "variance"),
            "normalize_delta_cpu": lambda a: call(
                "normalize_delta_cpu",
                None,
                *(a.x, a.mean, a.variance, a.biases, a.biases, *sizes(a), a.out),
            ),
            "activate leaky": lambda a: call("activate_array", None, a.out, size(a), LEAKY),
            "activate logistic": lambda a: call("activate_array", None, a.out, size(a), LOGISTIC),
            "gradient leaky": lambda a: call("gradient_array", None, a.x, size(a), LEAKY, a.out),
            "l2_cpu": lambda a: call("l2_cpu", a.out, size(a), a.x, a.y, a.out, a.out2),
            "smooth_l1_cpu": lambda a: call(
                "smooth_l1_cpu", None, size(a), a.x, a.y, a.out, a.out2
            ),
        }
