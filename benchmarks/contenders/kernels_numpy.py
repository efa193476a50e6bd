"""NumPy's equivalents of the kernels, with outputs given where NumPy accepts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from contenders.kernel_arrays import Arrays, FloatArray, KernelContender

__all__ = ["Kernel"]

#: All but the channel axis.
OVER = (0, 2, 3)


def _wide(channel: FloatArray) -> FloatArray:
    return channel[:, None, None]


def _normalize(a: Arrays) -> Callable[[], Any]:
    def run() -> FloatArray:
        np.subtract(a.x, _wide(a.mean), out=a.out)
        return np.multiply(a.out, _wide(1 / (np.sqrt(a.variance) + np.float32(1e-6))), out=a.out)

    return run


def _batchnorm(a: Arrays) -> Callable[[], Any]:
    def run() -> FloatArray:
        mean, variance = a.x.mean(OVER), a.x.var(OVER)
        factor = a.scales / np.sqrt(variance + np.float32(1e-5))
        np.multiply(a.x, _wide(factor), out=a.out)
        return np.add(a.out, _wide(a.biases - mean * factor), out=a.out)

    return run


def _leaky(a: Arrays) -> Callable[[], Any]:
    return lambda: np.maximum(a.x, np.multiply(a.x, np.float32(0.1), out=a.out), out=a.out)


def _logistic(a: Arrays) -> Callable[[], Any]:
    def run() -> FloatArray:
        np.exp(np.negative(a.x, out=a.out), out=a.out)
        return np.reciprocal(np.add(a.out, np.float32(1), out=a.out), out=a.out)

    return run


def _softmax(a: Arrays) -> Callable[[], Any]:
    def run() -> FloatArray:
        e = np.exp(a.rows - a.rows.max(1, keepdims=True))
        e /= e.sum(1, keepdims=True)
        return e

    return run


def _maxpool(a: Arrays) -> Callable[[], Any]:
    n, c, h, w = a.shape
    return lambda: a.x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


def _upsample(a: Arrays) -> Callable[[], Any]:
    n, c, h, w = a.shape
    target = a.out.reshape(n, c, h // 2, 2, w // 2, 2)

    def run() -> FloatArray:
        target[...] = a.small[:, :, :, None, :, None]
        return a.out

    return run


CASES: dict[str, Callable[[Arrays], Callable[[], Any]]] = {
    "fill_cpu": lambda a: lambda: (a.out.fill(0.5), a.out)[1],
    "copy_cpu": lambda a: lambda: (np.copyto(a.out, a.x), a.out)[1],
    "scal_cpu": lambda a: lambda: np.multiply(a.x, np.float32(1.5), out=a.out),
    "axpy_cpu": lambda a: lambda: np.add(np.multiply(a.x, np.float32(1.5)), a.y, out=a.out),
    "mul_cpu": lambda a: lambda: np.multiply(a.x, a.y, out=a.out),
    "dot_cpu": lambda a: lambda: np.dot(a.x.reshape(-1), a.x.reshape(-1)),
    "mean_cpu": lambda a: lambda: a.x.mean(OVER),
    "normalize_cpu": _normalize,
    "add_bias": lambda a: lambda: np.add(a.x, _wide(a.biases), out=a.out),
    "scale_bias": lambda a: lambda: np.multiply(a.x, _wide(a.scales), out=a.out),
    "backward_bias": lambda a: lambda: a.x.sum(OVER),
    "backward_scale_cpu": lambda a: lambda: np.multiply(a.x, a.y, out=a.out).sum(OVER),
    "batchnorm_forward": _batchnorm,
    "activate leaky": _leaky,
    "activate logistic": _logistic,
    "shortcut_cpu": lambda a: lambda: np.add(a.x, a.y, out=a.out),
    "maxpool 2x2/2": _maxpool,
    "avgpool": lambda a: lambda: a.x.mean((2, 3)),
    "upsample_cpu": _upsample,
    "softmax_cpu": _softmax,
}


class Kernel(KernelContender):
    """One of CASES."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        super().__init__(task, CASES)
