"""Activation functions: their names in the C core's order, and the option that chooses one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darkpy.config.options import Option, choice
from darkpy.engine.boundary import lib

if TYPE_CHECKING:
    pass

__all__ = [
    "ACTIVATIONS",
    "CHANNEL_ACTIVATIONS",
    "activation_code",
    "activation_option",
    "needs_input",
]

#: Names as cfg files write them, in the order of the C enumeration.
ACTIVATIONS = (
    *("linear", "logistic", "loggy", "relu", "relu6", "relie", "ramp", "leaky", "tanh", "elu"),
    *("selu", "plse", "stair", "hardtan", "lhtan", "swish", "mish", "hard_mish", "gelu"),
    "revleaky",
)
#: Those that divide a pixel by a sum over its channels, in the order of ``dk_channels_kind``.
CHANNEL_ACTIVATIONS = (
    "normalize_channels",
    "normalize_channels_softmax",
    "normalize_channels_softmax_maxval",
)
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
