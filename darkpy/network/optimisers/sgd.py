"""SGD with momentum, as Darknet updates weights."""

from __future__ import annotations

from collections.abc import Sequence

from darkpy.engine.boundary import FloatArray
from darkpy.engine.optimiser import update
from darkpy.layers.parameter import Parameter
from darkpy.network.optimisers.base import Optimiser, register

__all__ = ["Sgd"]


@register("sgd")
class Sgd(Optimiser):
    """updates -= decay * weights; weights += rate * updates; updates *= momentum.

    Updates are sums over images, so the rate is divided by the images of an update, and decay,
    which acts on weights only, is multiplied by them.

    Source: Darknet convolutional_layer.c, update_convolutional_layer.
    """

    file_code = 1

    def update(self, parameter: Parameter, rate: float, step: int) -> bool:
        """Change a parameter; see `Optimiser.update`."""
        o = self.options
        return update(
            self.name,
            parameter.storage,
            parameter.updates,
            rate=rate / self.images,
            momentum=o.momentum,
            decay=o.decay * self.images if parameter.decays else 0.0,
        )

    def stored(self, parameter: Parameter) -> Sequence[FloatArray]:
        """Return the update buffer, which holds the momentum."""
        return (parameter.updates,)
