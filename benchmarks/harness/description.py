"""A network as plain data (JSON and arrays), for contenders that build it without darkpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.export.shared.pooling_window import window_pads
from darkpy.layers.base import Layer
from darkpy.network.network import Network

__all__ = ["arrays", "describe"]


def arrays(net: Network) -> dict[str, npt.NDArray[np.float32]]:
    """All parameters in Darknet's shapes, named ``3.weights`` and so on."""
    return {
        f"{layer.index}.{name}": parameter.value
        for layer in net.layers
        for name, parameter in layer.parameters.items()
    }


def describe(net: Network) -> dict[str, Any]:
    """The input's shape, the answer's layer, the rule of updates, and one dictionary per layer."""
    o = net.options
    return {
        "input": list(net.input_shape.array_shape(1)[1:]),
        "answer": net.answers[-1].index,
        "momentum": o.momentum,
        "decay": o.decay,
        "learning_rate": o.learning_rate,
        "layers": [_describe(layer) for layer in net.layers],
    }


def _describe(layer: Layer) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": layer.kind,
        "sources": list(layer.sources),
        "channels": layer.input_shapes[0].channels,
        "outputs": layer.output_shape.size,
        "shape": list(layer.output_shape.array_shape(1)[1:]),
    }
    keys = {
        "normalization": ("size", "alpha", "beta", "kappa"),
        "softmax": ("groups", "temperature", "noloss"),
        "cost": ("type", "scale"),
        "upsample": ("stride", "scale"),
        "shortcut": ("alpha", "beta"),
        "crop": ("noadjust",),
        "yolo": ("scale_x_y", "new_coords"),
    }
    facts |= {key: layer.values[key] for key in keys.get(layer.kind, ())}
    given = set(layer.values)
    if "activation" in given:
        facts["activation"] = layer.values.activation
    if "batch_normalize" in given and layer.values.batch_normalize:
        facts["normalizes"] = True
        facts["rolling"] = getattr(layer, "rolling", 0.01)
        facts["epsilon"] = layer.dialect.bn_epsilon
        facts["epsilon_inside"] = layer.dialect.bn_epsilon_inside
    if hasattr(layer, "geometry"):
        facts["geometry"] = layer.geometry
    if layer.kind in ("maxpool", "local_avgpool"):
        facts["before"], facts["behind"] = window_pads(layer)  # type: ignore[arg-type]
    if layer.kind == "dropout":
        facts["probability"] = getattr(layer, "probability", 0.0)
    if layer.kind == "route":
        facts["parts"] = getattr(layer, "parts", [])
    if layer.kind == "yolo":
        facts["entry"] = getattr(layer, "entry", 0)
    if layer.has_cost:
        facts["loss_weight"] = getattr(layer, "loss_weight", None)
    return facts
