"""The update of a network's weights, layer by layer."""

from __future__ import annotations

from darkpy.errors import TrainingError
from darkpy.network.frozen import first_updated
from darkpy.network.model import Model
from darkpy.network.optimisers.base import Optimiser

__all__ = ["update_parameters"]


def update_parameters(model: Model, optimiser: Optimiser, rate: float) -> None:
    """Apply the update buffers of all layers, as Darknet's ``update_network`` does.

    Raises
    ------
    TrainingError
        A weight has become NaN or infinite; the message names the update, the layer and the rate.
        The check is part of the update's loop and costs no time.
    """
    broken: list[str] = []
    for layer in model.layers[first_updated(model.layers) :]:
        for parameter in layer.parameters.values():
            if not parameter.trainable:
                continue
            factor = rate * layer.values.learning_rate
            if parameter.is_bias:
                factor *= layer.values.bias_learning_rate
            if not optimiser.update(parameter, factor, model.update_count):
                broken.append(f"the {parameter.name} of {layer.label}")
            parameter.touched()
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise TrainingError(
            f"{model.name}: update {model.update_count} (learning rate {rate:.4g}) made"
            f" {broken[0]}{more} NaN or infinite"
        )
