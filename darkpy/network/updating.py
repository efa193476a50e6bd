"""The update of the weights, and what is said when training breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from darkpy.engine.boundary import FloatArray
from darkpy.engine.optimiser import adam_update, sgd_update
from darkpy.engine.program import Program
from darkpy.errors import TrainingError
from darkpy.layers.base import Layer
from darkpy.layers.parameter import Parameter
from darkpy.layers.shape import INPUT
from darkpy.network.frozen import first_updated

if TYPE_CHECKING:
    from darkpy.network.network import Network

__all__ = ["describe_break", "update_parameters"]

#: Struct fields that are a layer's parameters.
_PARAMETERS = ("weights", "biases", "scales")


def update_parameters(network: Network, rate: float) -> None:
    """Apply the update buffers of all layers, as Darknet's ``update_network`` does.

    Raises
    ------
    TrainingError
        A weight is NaN or infinite now: names the update, the layer and the rate.  The check is
        part of the update itself and takes no time of its own.
    """
    broken: list[str] = []
    for layer in network.layers[first_updated(network.layers) :]:
        for parameter in layer.parameters.values():
            if parameter.trainable:
                if not _update(network, layer, parameter, rate):
                    broken.append(f"the {parameter.name} of {layer.label}")
                parameter.touched()
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise TrainingError(
            f"{network.name}: update {network.updates} (learning rate {rate:.4g}) made"
            f" {broken[0]}{more} NaN or infinite"
        )


def _update(network: Network, layer: Layer, parameter: Parameter, rate: float) -> bool:
    """Update one parameter; return whether all of it is finite."""
    o = network.options
    factor = rate * layer.values.learning_rate
    if parameter.name == "biases":
        factor *= layer.values.bias_learning_rate
    if o.adam:
        return adam_update(
            parameter.storage,
            parameter.updates,
            *parameter.moments,
            rate=factor,
            b1=o.B1,
            b2=o.B2,
            eps=o.eps,
            decay=o.decay * network.update_batch,
            step=network.updates,
        )
    return sgd_update(
        parameter.storage,
        parameter.updates,
        rate=factor / network.update_batch,
        momentum=o.momentum,
        decay=o.decay * network.update_batch if parameter.decays else 0.0,
    )


def describe_break(network: Network, program: Program, x: FloatArray, cost: float) -> str:
    """Say where a step's numbers stopped being finite; makes its calls once more to find it.

    Parameters
    ----------
    network : Network
    program : Program
        Of the step, its input still in place.
    x : ndarray
        The step's photos.
    cost : float
        NaN or infinite.
    """
    update = (network.seen - 1) // network.update_batch + 1
    text = (
        f"{network.name}: the loss is {cost} at update {update}"
        f" (learning rate {network.learning_rate_of(update):.4g})"
    )
    if not np.isfinite(x).all():
        return f"{text}: the photos hold values that are not finite"
    found = program.first_not_finite(network.steps)
    if found is None:
        return f"{text}: every value is finite, their sum is not"
    owner, field = found
    what = f"the {field} of" if field in _PARAMETERS else "the first such value comes from"
    label = "the input" if owner == INPUT else network.layers[owner].label
    return f"{text}: {what} {label}" + (" are not finite" if field in _PARAMETERS else "")
