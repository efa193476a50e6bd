"""Building: sections become layers, each configured with those before it, then checked together."""

from __future__ import annotations

from collections.abc import Sequence

from darkpy.config.dialects import Dialect
from darkpy.config.net_options import NetOptions
from darkpy.config.options import read_options
from darkpy.config.sections import Section
from darkpy.errors import ConfigError
from darkpy.layers.base import Layer, LayerContext
from darkpy.layers.registry import layer_class, options_of
from darkpy.layers.shape import Shape

__all__ = ["build_layers", "input_shape_of"]


def input_shape_of(options: NetOptions) -> Shape:
    """Return the shape of an input: an image, or a vector if [net] has only `inputs`."""
    if options.has_image:
        return Shape(options.channels, options.height, options.width)
    return Shape.vector(options.inputs)


def build_layers(
    sections: Sequence[Section],
    options: NetOptions,
    dialect: Dialect,
    seed: int,
    strict: bool,
    precision: str = "fp32",
) -> list[Layer]:
    """Make one layer per section after [net].

    Parameters
    ----------
    sections : sequence of Section
        The whole file.
    options : NetOptions
        The checked [net] section.
    dialect : Dialect
        The fork's constants.
    seed : int
        Seed of the initial weights.
    strict : bool
        Unknown keys are errors instead of warnings.
    precision : str
        "fp32", or "bf16" for filters that are faster with it.

    Raises
    ------
    ConfigError
        The message names file, line, section, key and value.
    """
    layers: list[Layer] = []
    input_shape = input_shape_of(options)
    for section in sections[1:]:
        kind = layer_class(section)
        context = LayerContext(
            options=read_options(section, options_of(section.name), strict=strict),
            position=len(layers),
            net=options,
            dialect=dialect,
            input_shape=input_shape,
            layers=layers,
            seed=seed,
            precision=precision,
        )
        layers.append(kind(context))
    if not layers:
        raise sections[0].error("the network has no layers")
    if not any(layer.is_answer for layer in layers):
        raise ConfigError(sections[0].path, 0, "the network has nothing but cost layers")
    truths = {shape.size: layer for layer in layers if (shape := layer.truth_shape)}
    if len(truths) > 1:
        (count, first), (other, second) = list(truths.items())[:2]
        raise second.error(
            f"its cost compares {other} values with the truth, that of {first.label} {count}"
        )
    for layer in layers:
        layer.check_network(layers)
    return layers
