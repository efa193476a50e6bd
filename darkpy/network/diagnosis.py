"""Diagnosis of a training that broke: where its numbers stopped being finite."""

from __future__ import annotations

import numpy as np

from darkpy.engine.boundary import FloatArray
from darkpy.layers.base import Layer
from darkpy.layers.parameter import Parameter
from darkpy.layers.shape import INPUT
from darkpy.network.model import Model
from darkpy.network.plan import Plan

__all__ = ["describe_break"]


def describe_break(model: Model, plan: Plan, x: FloatArray, cost: float) -> str:
    """Describe where the numbers of a step stopped being finite; repeats its calls to find out.

    Parameters
    ----------
    model : Model
    plan : Plan
        The plan of the step, with the step's truth.
    x : ndarray
        The photos of the step.
    cost : float
        The cost, which is NaN or infinite.
    """
    update = (model.seen - 1) // model.update_batch + 1
    text = (
        f"{model.name}: the loss is {cost} at update {update}"
        f" (learning rate {model.learning_rate_of(update):.4g})"
    )
    if not np.isfinite(x).all():
        return f"{text}: the photos hold values that are not finite"
    plan.fill(x)
    found = plan.program.first_not_finite(model.steps - 1)  # as the step drew dropout and crops
    if found is None:
        return f"{text}: every value is finite, their sum is not"
    owner, array = found
    label = "the input" if owner == INPUT else model.layers[owner].label
    parameter = None if owner == INPUT else _parameter_with(model.layers[owner], array)
    if parameter is not None:
        return f"{text}: the {parameter.name} of {label} are not finite"
    return f"{text}: the first such value comes from {label}"


def _parameter_with(layer: Layer, array: FloatArray) -> Parameter | None:
    """Return the layer's parameter whose values these are, if there is one."""
    return next((p for p in layer.parameters.values() if p.is_stored and p.storage is array), None)
