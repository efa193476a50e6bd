"""Batch normalisation step by step, with Darknet's kernels: forward, and the three gradients.

    python examples/batchnorm.py

docs/batchnorm.md derives the formulas.
"""

from __future__ import annotations

import numpy as np

from darkpy import kernels


def main() -> None:
    """Normalise a batch of maps, send a delta back, and do the same in one call."""
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (8, 5, 4, 4)).astype(np.float32)  # (images, filters, height, width)
    scales, biases = np.full(5, 1.5, np.float32), np.full(5, -0.5, np.float32)

    mean = kernels.mean_cpu(x)
    variance = kernels.variance_cpu(x, mean)
    normalised = kernels.normalize_cpu(x, mean, variance)
    output = kernels.add_bias(kernels.scale_bias(normalised, scales), biases)
    print("mean of each filter    ", mean.round(3))
    print("variance of each filter", variance.round(3))
    print("after it: mean", output.mean((0, 2, 3)).round(3), "deviation", output.std((0, 2, 3)))

    delta = rng.normal(0, 1, x.shape).astype(np.float32)  # minus the gradient of the loss
    bias_updates = kernels.backward_bias(delta)
    scale_updates = kernels.backward_scale_cpu(normalised, delta)
    scaled = kernels.scale_bias(delta, scales)
    mean_delta = kernels.mean_delta_cpu(scaled, variance)
    variance_delta = kernels.variance_delta_cpu(x, scaled, mean, variance)
    back = kernels.normalize_delta_cpu(x, mean, variance, mean_delta, variance_delta, scaled)
    print("updates of the biases  ", bias_updates.round(3))
    print("updates of the scales  ", scale_updates.round(3))

    forward = kernels.batchnorm_forward(x, scales, biases)
    np.testing.assert_allclose(forward.output, output, rtol=1e-4, atol=1e-5)
    backward = kernels.batchnorm_backward(x, delta, scales, forward.mean, forward.variance)
    np.testing.assert_allclose(backward.delta, back, rtol=1e-3, atol=1e-4)
    print("batchnorm_forward and batchnorm_backward give the same in one call each")


if __name__ == "__main__":
    main()
