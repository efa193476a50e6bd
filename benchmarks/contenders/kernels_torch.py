"""PyTorch's equivalents of the kernels, with outputs given where PyTorch accepts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F

from contenders.kernel_arrays import Arrays, KernelContender

__all__ = ["Kernel"]

#: All but the channel axis.
OVER = (0, 2, 3)


class Tensors:
    """The arrays as tensors that share their memory; every name as in Arrays."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    def __getattr__(self, name: str) -> torch.Tensor:
        """Wrap an array once."""
        tensor = torch.from_numpy(getattr(self._arrays, name))
        setattr(self, name, tensor)
        return tensor


def _wide(channel: torch.Tensor) -> torch.Tensor:
    return channel[:, None, None]


def _normalize(a: Tensors) -> Callable[[], Any]:
    def run() -> torch.Tensor:
        torch.sub(a.x, _wide(a.mean), out=a.out)
        return a.out.div_(_wide(a.variance.sqrt() + 1e-6))

    return run


def _batchnorm_backward(a: Tensors) -> Callable[[], Any]:
    inverse = (a.variance + 1e-5).rsqrt()
    return lambda: torch.ops.aten.native_batch_norm_backward(
        a.y, a.x, a.scales, None, None, a.mean, inverse, True, 1e-5, [True, True, True]
    )[0]


CASES: dict[str, Callable[[Any], Callable[[], Any]]] = {
    "fill_cpu": lambda a: lambda: a.out.fill_(0.5),
    "copy_cpu": lambda a: lambda: a.out.copy_(a.x),
    "scal_cpu": lambda a: lambda: torch.mul(a.x, 1.5, out=a.out),
    "axpy_cpu": lambda a: lambda: torch.add(a.y, a.x, alpha=1.5, out=a.out),
    "mul_cpu": lambda a: lambda: torch.mul(a.x, a.y, out=a.out),
    "dot_cpu": lambda a: lambda: torch.dot(a.x.flatten(), a.x.flatten()),
    "mean_cpu": lambda a: lambda: a.x.mean(OVER),
    "normalize_cpu": _normalize,
    "add_bias": lambda a: lambda: torch.add(a.x, _wide(a.biases), out=a.out),
    "scale_bias": lambda a: lambda: torch.mul(a.x, _wide(a.scales), out=a.out),
    "backward_bias": lambda a: lambda: a.x.sum(OVER),
    "batchnorm_forward": lambda a: (
        lambda: F.batch_norm(a.x, None, None, a.scales, a.biases, True, 0.01, 1e-5)
    ),
    "batchnorm_backward": _batchnorm_backward,
    "activate leaky": lambda a: lambda: F.leaky_relu(a.x, 0.1),
    "activate logistic": lambda a: lambda: torch.sigmoid(a.x, out=a.out),
    "activate mish": lambda a: lambda: F.mish(a.x),
    "gradient leaky": lambda a: lambda: torch.ops.aten.leaky_relu_backward(a.y, a.x, 0.1, True),
    "shortcut_cpu": lambda a: lambda: torch.add(a.x, a.y, out=a.out),
    "maxpool 2x2/2": lambda a: lambda: F.max_pool2d(a.x, 2, return_indices=True),
    "avgpool": lambda a: lambda: F.adaptive_avg_pool2d(a.x, 1),
    "upsample_cpu": lambda a: lambda: F.interpolate(a.small, scale_factor=2),
    "lrn_forward": lambda a: lambda: F.local_response_norm(a.x, 5, 5e-4, 0.75, 1.0),
    "softmax_cpu": lambda a: lambda: torch.softmax(a.rows, 1),
    "dropout": lambda a: lambda: F.dropout(a.x, 0.5, training=True),
    "im2col_cpu 3x3": lambda a: (
        lambda: F.unfold(a.x[:2].reshape(1, -1, *a.x.shape[2:]), 3, padding=1)
    ),
}


class Kernel(KernelContender):
    """One of CASES."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        torch.set_num_threads(task["threads"])
        with_tensors = {
            name: lambda arrays, prepare=prepare: prepare(Tensors(arrays))
            for name, prepare in CASES.items()
        }
        super().__init__(task, with_tensors)
