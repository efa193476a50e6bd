"""Channel activations, which mix a pixel's channels: recorded around a layer's own calls.

Layers record activations that are a function of each value. Those of `CHANNEL_ACTIVATIONS` are
recorded here, and layers do not know them.
"""

from __future__ import annotations

from typing import Any

from darkpy.engine.boundary import lib
from darkpy.engine.enums import CHANNEL_ACTIVATIONS
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder

__all__ = ["record_backward", "record_forward"]


def record_forward(recorder: Recorder, layer: Layer, inputs: list[Tensor], output: Tensor) -> Any:
    """Record the layer's forward pass and, if it mixes channels, its activation.

    `record_backward` needs the result as `saved`.
    """
    if not layer.mixes_channels:
        return layer.forward(recorder, inputs, output)
    kind = _kind(layer)
    # One kind's derivative reads the activation's input.
    keeps_input = recorder.training and kind == lib.DK_CHANNELS_RELU
    total = recorder.temporary(layer.output_shape) if keeps_input else output
    saved = layer.forward(recorder, inputs, total)
    fields: dict[str, Any] = {"x": total, "y": output, "kind": kind}
    recorder.add(layer, "dk_normalize_channels_forward", writes=("y",), **fields)
    return saved, total


def record_backward(
    recorder: Recorder,
    layer: Layer,
    saved: Any,
    inputs: list[Tensor],
    output: Tensor,
    delta: Tensor,
) -> None:
    """Record the backward pass of the activation, if it mixes channels, and of the layer."""
    if not layer.mixes_channels:
        layer.backward(recorder, saved, inputs, output, delta)
        return
    saved, total = saved
    dx = recorder.temporary(layer.output_shape) if recorder.keep else delta
    fields: dict[str, Any] = {"saved": total, "delta": delta, "dx": dx, "kind": _kind(layer)}
    function = "dk_normalize_channels_backward"
    recorder.add(layer, function, writes=("dx",), accumulate=0, **fields)
    layer.backward(recorder, saved, inputs, total, dx)


def _kind(layer: Layer) -> int:
    """Return the C core's ``dk_channels_kind`` of the layer's activation."""
    return CHANNEL_ACTIVATIONS.index(layer.values.activation)
