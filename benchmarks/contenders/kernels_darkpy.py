"""darkpy's kernels, called from NumPy with outputs given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import darkpy
from contenders.kernel_arrays import Arrays, KernelContender
from darkpy import kernels as k

__all__ = ["Kernel"]

CASES: dict[str, Callable[[Arrays], Callable[[], Any]]] = {
    "fill_cpu": lambda a: lambda: k.fill_cpu(a.shape, 0.5, out=a.out),
    "copy_cpu": lambda a: lambda: k.copy_cpu(a.x, out=a.out),
    "scal_cpu": lambda a: lambda: k.scal_cpu(1.5, a.x, out=a.out),
    "axpy_cpu": lambda a: lambda: k.axpy_cpu(1.5, a.x, a.y, out=a.out),
    "mul_cpu": lambda a: lambda: k.mul_cpu(a.x, a.y, out=a.out),
    "dot_cpu": lambda a: lambda: k.dot_cpu(a.x, a.x),
    "mean_cpu": lambda a: lambda: k.mean_cpu(a.x),
    "variance_cpu": lambda a: lambda: k.variance_cpu(a.x, a.mean),
    "normalize_cpu": lambda a: lambda: k.normalize_cpu(a.x, a.mean, a.variance, out=a.out),
    "add_bias": lambda a: lambda: k.add_bias(a.x, a.biases, out=a.out),
    "scale_bias": lambda a: lambda: k.scale_bias(a.x, a.scales, out=a.out),
    "backward_bias": lambda a: lambda: k.backward_bias(a.x),
    "backward_scale_cpu": lambda a: lambda: k.backward_scale_cpu(a.x, a.y),
    "mean_delta_cpu": lambda a: lambda: k.mean_delta_cpu(a.x, a.variance),
    "variance_delta_cpu": lambda a: lambda: k.variance_delta_cpu(a.x, a.y, a.mean, a.variance),
    "normalize_delta_cpu": lambda a: (
        lambda: k.normalize_delta_cpu(a.x, a.mean, a.variance, a.biases, a.biases, a.y, out=a.out)
    ),
    "batchnorm_forward": lambda a: (
        lambda: k.batchnorm_forward(a.x, a.scales, a.biases, variant="cudnn", out=a.out)[0]
    ),
    "batchnorm_backward": lambda a: (
        lambda: k.batchnorm_backward(
            a.x, a.y, a.scales, a.mean, a.variance, variant="cudnn", out=a.out
        )[0]
    ),
    "activate leaky": lambda a: lambda: k.activate_array(a.x, "leaky", out=a.out),
    "activate logistic": lambda a: lambda: k.activate_array(a.x, "logistic", out=a.out),
    "activate mish": lambda a: lambda: k.activate_array(a.x, "mish", out=a.out),
    "gradient leaky": lambda a: lambda: k.gradient_array(a.x, "leaky", a.y, out=a.out),
    "l2_cpu": lambda a: lambda: k.l2_cpu(a.x, a.y, delta=a.out, error=a.out2),
    "smooth_l1_cpu": lambda a: lambda: k.smooth_l1_cpu(a.x, a.y, delta=a.out, error=a.out2),
    "shortcut_cpu": lambda a: lambda: k.shortcut_cpu(a.x, a.y, out=a.out),
    "maxpool 2x2/2": lambda a: _maxpool(a),
    "avgpool": lambda a: lambda: k.avgpool_forward(a.x),
    "upsample_cpu": lambda a: lambda: k.upsample_cpu(a.small, 2, out=a.out),
    "lrn_forward": lambda a: lambda: k.lrn_forward(a.x, out=a.out),
    "softmax_cpu": lambda a: lambda: k.softmax_cpu(a.rows, out=a.row_out),
    "dropout": lambda a: lambda: k.dropout_forward(a.x, 0.5, 7, out=a.out),
    "im2col_cpu 3x3": lambda a: _im2col(a),
}


def _maxpool(a: Arrays) -> Callable[[], Any]:
    out, argmax = k.maxpool_forward(a.x, 2, 2, 0)
    return lambda: k.maxpool_forward(a.x, 2, 2, 0, out=out, argmax=argmax)


def _im2col(a: Arrays) -> Callable[[], Any]:
    n, c, h, w = a.shape
    image = a.x[:2].reshape(min(n, 2) * c, h, w)
    columns = k.im2col_cpu(image, 3, 1, 1)
    return lambda: k.im2col_cpu(image, 3, 1, 1, out=columns)


class Kernel(KernelContender):
    """One of CASES."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        darkpy.set_num_threads(task["threads"])
        super().__init__(task, CASES)
