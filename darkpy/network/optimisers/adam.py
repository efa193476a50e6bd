"""Adam, as Darknet's GPU code has it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from darkpy.engine.boundary import FloatArray
from darkpy.engine.optimiser import update
from darkpy.layers.parameter import Parameter
from darkpy.network.optimisers.base import Optimiser, register

__all__ = ["Adam"]


@register("adam")
class Adam(Optimiser):
    """Adam on sums over images, which are not divided; decay acts on all parameters.

    g = updates - decay * weights; mean = B1 * mean + (1 - B1) * g; square = B2 * square +
    (1 - B2) * g^2; weights += rate * (mean / (1 - B1^step)) / (sqrt(square / (1 - B2^step)) + eps);
    updates = 0.

    Source: Kingma and Ba 2015, algorithm 1; Darknet blas_kernels.cu, adam_update_gpu.
    """

    file_code = 2
    state = ("mean", "square")

    def update(self, parameter: Parameter, rate: float, step: int) -> bool:
        """Change a parameter; see `Optimiser.update`."""
        o = self.options
        return update(
            self.name,
            parameter.storage,
            parameter.updates,
            self.arrays(parameter),
            rate=rate,
            b1=o.B1,
            b2=o.B2,
            c1=_correction(o.B1, step),
            c2=_correction(o.B2, step),
            eps=o.eps,
            decay=o.decay * self.images,
        )

    def stored(self, parameter: Parameter) -> Sequence[FloatArray]:
        """Return the running means of the gradient and of its square."""
        return self.arrays(parameter)


def _correction(decay: float, step: int) -> float:
    """What a running mean that began at 0 is multiplied with, of the decay that C is given."""
    return 1 / (1 - math.pow(float(np.float32(decay)), step))
