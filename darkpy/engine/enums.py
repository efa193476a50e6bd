"""Enumerations of the C core: the names of their values, in C's order.

In C a kind is a number: the position of its name in one of these tuples.  A name is the
enumerator's, in lower case and without the prefix of its enumeration; `_WRITTEN` has the few that
cfg files spell differently.
"""

from __future__ import annotations

from darkpy.engine.boundary import enumerators

__all__ = ["ACTIVATIONS", "ALGORITHMS", "CHANNEL_ACTIVATIONS", "COSTS", "OPTIMISERS", "PASSES"]

_WRITTEN = {
    "DK_CHANNELS_RELU": "normalize_channels",
    "DK_COST_L1": "L1",
}


def _names(enumeration: str, prefix: str, instead: str = "") -> tuple[str, ...]:
    """Names of an enumeration's kinds, with `instead` in place of `prefix`."""
    return tuple(
        _WRITTEN.get(name, instead + name.removeprefix(prefix).lower())
        for name in enumerators(enumeration)
    )


#: Activation functions that act on each value alone.
ACTIVATIONS = _names("dk_activation", "DK_")

#: Activation functions that divide each pixel by a sum over its channels.
CHANNEL_ACTIVATIONS = _names("dk_channels_kind", "DK_", "normalize_")

#: Ways to compute a convolution; "auto" is the engine's own choice among those for float32.
ALGORITHMS = tuple(
    name.replace("_", "-") for name in _names("dk_convolution_algorithm", "DK_CONV_")
)

#: Passes of a convolution.
PASSES = _names("dk_convolution_pass", "DK_CONV_")

#: Costs of a prediction.
COSTS = _names("dk_cost_kind", "DK_COST_")

#: Optimisers: the rules by which weights are updated.
OPTIMISERS = _names("dk_optimiser", "DK_OPTIMISER_")
