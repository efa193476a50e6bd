"""Dialects: all that depends on the fork of Darknet a network was written for, in one table.

The forks share the grammar and most layers; they differ in the constants below. Code asks the
dialect of its network and never tests a fork's name. Sources: the constructors and kernels of
pjreddie/darknet and AlexeyAB/darknet, in the functions named per field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal, NamedTuple

from darkpy.config.option import Kind, Option
from darkpy.config.options import did_you_mean
from darkpy.config.sections import Section
from darkpy.errors import ArgumentError

__all__ = ["ALEXEYAB", "DIALECTS", "PJREDDIE", "Dialect", "detect_dialect", "dialect_named"]


class Dialect(NamedTuple):
    """The constants of one fork.

    Attributes
    ----------
    name : str
        As in ``darkpy.load(..., dialect=name)``.
    bn_epsilon : float
        Batch normalisation, forward (`normalize_cpu`).
    bn_epsilon_inside : bool
        True: x / sqrt(variance + epsilon); False: x / (sqrt(variance) + epsilon).
    bn_rolling_weight : float
        Share of the new batch in the rolling mean and variance (`forward_batchnorm_layer`),
        in convolutional and batchnorm layers.
    bn_rolling_weight_connected : float
        The same in connected layers.
    weight_init : "normal" or "uniform"
        Distribution of a new convolution's weights, times sqrt(2 / fan_in): N(0, 1) or U(-1, 1).
    adam_epsilon : float
        Default of [net] ``eps``.
    dropout_probability : float
        Default of [dropout] ``probability``.
    weights_revision : int
        Third number of a new .weights file's header (major 0, minor 2).
    stopbackward_counts : bool
        True: ``stopbackward=1`` freezes the layers before for good, a value above 1 stops the
        backward pass until that many updates are done (`train_network`, GPU code); False: any
        value but 0 stops it always.
    region_max_boxes, yolo_max_boxes : int
        Default of ``max`` in [region] and [yolo]: truths per image.
    yolo_box_factor : float
        Default of ``iou_normalizer`` in [yolo]: the factor on the box deltas.
    """

    name: str
    bn_epsilon: float
    bn_epsilon_inside: bool
    bn_rolling_weight: float
    bn_rolling_weight_connected: float
    weight_init: Literal["normal", "uniform"]
    adam_epsilon: float
    dropout_probability: float
    weights_revision: int
    stopbackward_counts: bool
    region_max_boxes: int
    yolo_max_boxes: int
    yolo_box_factor: float


PJREDDIE = Dialect(
    name="pjreddie",
    bn_epsilon=1e-6,
    bn_epsilon_inside=False,
    bn_rolling_weight=0.01,
    bn_rolling_weight_connected=0.01,
    weight_init="normal",
    adam_epsilon=1e-7,
    dropout_probability=0.5,
    weights_revision=0,
    stopbackward_counts=False,
    region_max_boxes=30,
    yolo_max_boxes=90,
    yolo_box_factor=1.0,
)

ALEXEYAB = Dialect(
    name="alexeyab",
    bn_epsilon=1e-5,
    bn_epsilon_inside=True,
    bn_rolling_weight=0.1,
    bn_rolling_weight_connected=0.05,
    weight_init="uniform",
    adam_epsilon=1e-6,
    dropout_probability=0.2,
    weights_revision=5,
    stopbackward_counts=True,
    region_max_boxes=200,
    yolo_max_boxes=200,
    yolo_box_factor=0.75,
)

#: The dialects by name.
DIALECTS = {dialect.name: dialect for dialect in (PJREDDIE, ALEXEYAB)}


def dialect_named(name: str) -> Dialect | None:
    """Return the dialect called `name`, or None for ``"auto"``.

    Raises
    ------
    ArgumentError
        There is no such dialect.
    """
    if name == "auto":
        return None
    if name not in DIALECTS:
        names = (*DIALECTS, "auto")
        listed = ", ".join(map(repr, names))
        raise ArgumentError(
            f"dialect must be one of {listed}, got {name!r}{did_you_mean(str(name), names)}"
        )
    return DIALECTS[name]


def detect_dialect(
    sections: Sequence[Section],
    alexeyab_sections: Collection[str],
    options_of: Callable[[str], Sequence[Option]],
) -> Dialect:
    """Find out which fork a cfg was written for.

    Parameters
    ----------
    sections : sequence of Section
        The result of `read_cfg`.
    alexeyab_sections : collection of str
        Names of the sections that only AlexeyAB's fork knows.
    options_of : callable
        Section name -> its declared options; an empty sequence for an unknown section.

    Returns
    -------
    Dialect
        `ALEXEYAB` if a section, a key or a chosen word is known to that fork alone, else
        `PJREDDIE`.
    """
    # One look-up table per section name: a cfg repeats few names many times.
    tables: dict[str, dict[str, Option]] = {}
    for section in sections:
        if section.name in alexeyab_sections:
            return ALEXEYAB
        if section.name not in tables:
            tables[section.name] = {option.name: option for option in options_of(section.name)}
        table = tables[section.name]
        for entry in section.entries:
            option = table.get(entry.key)
            if option is not None and _is_alexeyab(option, entry.value):
                return ALEXEYAB
    return PJREDDIE


def _is_alexeyab(option: Option, written: str) -> bool:
    """Return whether only AlexeyAB's fork knows this option, or the word chosen for it."""
    if option.dialect == "alexeyab":
        return True
    return option.kind is Kind.CHOICE and written in option.alexeyab_choices
