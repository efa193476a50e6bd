"""Activation functions of layers: the cfg option, and the recording of those that mix channels.

An activation is a function of each value, or one of `CHANNEL_ACTIVATIONS`, which mix the channels
of a pixel. Layers record the first kind themselves; the second one `record_forward` and
`record_backward` put behind and before whatever the layer records, so layers know nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from darkpy.config.options import Option, choice
from darkpy.engine.boundary import lib
from darkpy.engine.enums import ACTIVATIONS, CHANNEL_ACTIVATIONS
from darkpy.engine.program import Tensor

if TYPE_CHECKING:
    from darkpy.layers.base import Layer
    from darkpy.network.plan import Plan

__all__ = [
    "activation_code",
    "activation_option",
    "mixes_channels",
    "needs_input",
    "record_backward",
    "record_forward",
]

#: Those that only AlexeyAB's fork knows.
ALEXEYAB_ACTIVATIONS = (
    *("relu6", "swish", "mish", "hard_mish", "gelu", "revleaky"),
    *CHANNEL_ACTIVATIONS,
)


def activation_option(default: str) -> Option:
    """The declaration of a section's ``activation`` key."""
    return choice(
        "activation",
        default,
        (*ACTIVATIONS, *CHANNEL_ACTIVATIONS),
        "activation function",
        alexeyab_choices=ALEXEYAB_ACTIVATIONS,
    )


def activation_code(name: str) -> int:
    """The C core's number of an activation; linear's for those that mix channels."""
    return 0 if name in CHANNEL_ACTIVATIONS else ACTIVATIONS.index(name)


def needs_input(code: int) -> bool:
    """Whether the gradient is computed from the activation's input (else from its output)."""
    return bool(lib.dk_activation_needs_input(code))


def mixes_channels(layer: Layer) -> bool:
    """Whether the layer's activation is one of `CHANNEL_ACTIVATIONS`."""
    return _channel_kind(layer) is not None


def record_forward(plan: Plan, layer: Layer, inputs: list[Tensor], output: Tensor) -> Any:
    """Record the layer's forward pass and, where it mixes channels, its activation.

    Returns what `record_backward` wants as `saved`.
    """
    kind = _channel_kind(layer)
    if kind is None:
        return layer.forward(plan, inputs, output)
    # One kind's derivative reads the activation's input.
    keeps_input = plan.training and kind == lib.DK_CHANNELS_RELU
    total = plan.temporary(layer.output_shape) if keeps_input else output
    saved = layer.forward(plan, inputs, total)
    fields: dict[str, Any] = {"x": total, "y": output, "kind": kind}
    plan.add(layer, "dk_normalize_channels_forward", "dk_normalize_channels", **fields)
    return saved, total


def record_backward(
    plan: Plan, layer: Layer, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
) -> None:
    """Record the backward pass of the activation where it mixes channels, then the layer's."""
    kind = _channel_kind(layer)
    if kind is None:
        layer.backward(plan, saved, inputs, output, delta)
        return
    saved, total = saved
    dx = plan.temporary(layer.output_shape) if plan.keep else delta
    fields: dict[str, Any] = {"saved": total, "delta": delta, "dx": dx, "kind": kind}
    function = "dk_normalize_channels_backward"
    plan.add(layer, function, function, accumulate=0, **fields)
    layer.backward(plan, saved, inputs, total, dx)


def _channel_kind(layer: Layer) -> int | None:
    """Return the C core's ``dk_channels_kind`` of the layer's activation, if it has one."""
    name = layer.values.activation if "activation" in tuple(layer.values) else None
    return CHANNEL_ACTIVATIONS.index(name) if name in CHANNEL_ACTIVATIONS else None
