"""Layer objects around the pure functions, as `ReferenceNetwork` chains them.

Every array is (batch, c, h, w); a vector is (batch, n, 1, 1). `forward(x, train)` gives the
output; `backward(delta)` receives minus the loss gradient of the output, adds to `updates`, and
gives what the previous layer receives. The classes stand in neurons.py, movers.py and heads.py.
"""

from __future__ import annotations

import numpy as np

REGISTRY: dict[str, type[Layer]] = {}


def section(*names):
    """Register a class for the given section names."""

    def add(cls):
        REGISTRY.update(dict.fromkeys(names, cls))
        return cls

    return add


class Layer:
    """Identity; the base of all. shape and input_shape are (c, h, w)."""

    is_image = True  # else users see (batch, n); None: as the layer before

    def __init__(self, net, index, options, input_shape):
        self.net, self.index, self.options = net, index, options
        self.input_shape = self.shape = input_shape
        if self.is_image is None:
            self.is_image = net.layers[-1].is_image if net.layers else net.takes_images
        self.parameters, self.updates, self.moments = {}, {}, {}
        self.cost = None
        self.output = self.delta = self.delta_after = None
        self.build()
        self.updates = {name: np.zeros_like(self.parameters[name]) for name in self.trained()}

    def int(self, key, default=0) -> int:
        return int(float(self.options.get(key, default)))

    def float(self, key, default=0.0) -> float:
        return float(self.options.get(key, default))

    def text(self, key, default) -> str:
        return self.options.get(key, default)

    def source(self, number: str):
        """The layer that a (possibly relative) number of the cfg means."""
        index = int(number)
        return self.net.layers[index + self.index if index < 0 else index]

    def build(self):
        pass

    def trained(self):
        return [n for n in self.parameters if not n.startswith("rolling")]

    def file_order(self):
        return []

    def forward(self, x, train):
        return x

    def backward(self, delta):
        return delta


@section("empty", "silence")
class Empty(Layer):
    """Passes its input on."""

    is_image = None
