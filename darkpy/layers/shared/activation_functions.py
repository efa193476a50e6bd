"""Activation functions of layers: the option that chooses one, and its number in the C core."""

from __future__ import annotations

from darkpy.config.options import Option, choice
from darkpy.engine.boundary import lib
from darkpy.engine.enums import ACTIVATIONS, CHANNEL_ACTIVATIONS

__all__ = ["activation_code", "activation_option", "needs_input"]

#: Activation functions that only AlexeyAB's fork knows.
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
    """Return the C core's number of an activation; for those that mix channels, that of linear."""
    return 0 if name in CHANNEL_ACTIVATIONS else ACTIVATIONS.index(name)


def needs_input(code: int) -> bool:
    """Whether the gradient is computed from the activation's input (else from its output)."""
    return bool(lib.dk_activation_needs_input(code))
