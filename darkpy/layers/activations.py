"""The activation functions' names, in the C core's order."""

from __future__ import annotations

from darkpy.config.options import Option, choice
from darkpy.kernels.boundary import lib

__all__ = ["ACTIVATIONS", "activation_code", "activation_option", "needs_input"]

#: Names as cfg files write them, in the order of the C enumeration.
ACTIVATIONS = (
    *("linear", "logistic", "loggy", "relu", "relu6", "relie", "ramp", "leaky", "tanh", "elu"),
    *("selu", "plse", "stair", "hardtan", "lhtan", "swish", "mish", "hard_mish", "gelu"),
    "revleaky",
)
ALEXEYAB_ACTIVATIONS = ("relu6", "swish", "mish", "hard_mish", "gelu", "revleaky")


def activation_option(default: str) -> Option:
    """The declaration of a section's ``activation`` key."""
    return choice(
        "activation",
        default,
        ACTIVATIONS,
        "activation function",
        alexeyab_choices=ALEXEYAB_ACTIVATIONS,
    )


def activation_code(name: str) -> int:
    """The C core's number of an activation."""
    return ACTIVATIONS.index(name)


def needs_input(code: int) -> bool:
    """Whether the gradient is computed from the activation's input (else from its output)."""
    return bool(lib.dk_activation_needs_input(code))
