"""The checked [net] section, and the rules between its options."""

from __future__ import annotations

import warnings
from typing import Any

from darkpy.config.dialects import PJREDDIE, Dialect
from darkpy.config.net_table import NET_OPTIONS, OPTIMISER_FLAGS
from darkpy.config.option import MAX_INT
from darkpy.config.options import Options, read_options
from darkpy.config.sections import Section

__all__ = ["NetOptions", "read_net"]


class NetOptions(Options):
    """The checked [net] section: an `Options` whose derived defaults are filled in.

    ``inputs`` is always the number of values per sample; ``steps`` and ``scales`` are tuples of
    equal length (empty unless the policy is "steps").
    """

    __slots__ = ()

    @property
    def mini_batch(self) -> int:
        """Samples held in memory at once: batch // subdivisions * time_steps, as Darknet floors."""
        return int(self.batch // self.subdivisions * self.time_steps)

    @property
    def update_batch(self) -> int:
        """Samples of one update of the weights."""
        return self.mini_batch * int(self.subdivisions)

    @property
    def optimiser(self) -> str:
        """Name of the rule by which weights are updated: see `darkpy.network.optimisers`."""
        return next((name for flag, name in OPTIMISER_FLAGS.items() if self[flag]), "sgd")

    @property
    def has_image(self) -> bool:
        """Whether the input is an image (channels, height, width), else a vector of `inputs`."""
        return bool(self.height and self.width and self.channels)


def read_net(section: Section, *, dialect: Dialect = PJREDDIE, strict: bool = False) -> NetOptions:
    """Check the [net] section.

    Parameters
    ----------
    section : Section
        The first of a cfg.
    dialect : Dialect
        Supplies the defaults that differ between the forks.
    strict : bool
        Raise for unknown and repeated keys instead of warning.

    Raises
    ------
    OptionValueError
        A value, or a combination of values, that no network can have.

    Warns
    -----
    UserWarning
        `batch` is no multiple of `subdivisions`: the remainder is never drawn.
    """
    options = read_options(section, NET_OPTIONS, strict=strict)
    _check_batches(options)
    _check_optimiser(options)
    _check_schedule(options)
    values = {name: options[name] for name in options}
    derived: dict[str, Any] = {
        "inputs": _inputs(options),
        "eps": dialect.adam_epsilon,
        "max_crop": 2 * options.width,
        "min_crop": options.width,
        "sgdr_cycle": options.max_batches,
        "sequential_subdivisions": options.subdivisions,
        "steps": (),
        "scales": (),
    }
    for name, value in derived.items():
        if values[name] is None:
            values[name] = value
    if values["min_crop"] > values["max_crop"]:
        name = "min_crop" if options.given("min_crop") else "max_crop"
        raise options.error(
            name, f"min_crop {values['min_crop']} is larger than max_crop {values['max_crop']}"
        )
    if options.width:
        for ratio, crop in (("max_ratio", "max_crop"), ("min_ratio", "min_crop")):
            if values[ratio] is None:
                values[ratio] = values[crop] / options.width
    if values["seq_scales"] is None:
        values["seq_scales"] = (1.0,) * len(values["steps"])
    return NetOptions(section, values)


def _check_batches(options: Options) -> None:
    """Check that a mini-batch holds a sample, and not more than an int can count."""
    batch, pieces = options.batch, options.subdivisions
    if batch < pieces:
        raise options.error("subdivisions", f"no sample is left for a piece: batch is only {batch}")
    if batch // pieces * options.time_steps > MAX_INT:
        raise options.error("time_steps", "batch / subdivisions * time_steps exceeds 32 bits")
    if batch % pieces:
        warnings.warn(
            f"{options.section.path}:{options.line('batch')}: {options.section.label}"
            f"batch={batch} is no multiple of subdivisions={pieces}: "
            f"each update sees {batch // pieces * pieces} samples",
            UserWarning,
            stacklevel=3,
        )


def _inputs(options: Options) -> int:
    """Return the values per sample; the image's size and `inputs` must agree."""
    volume = int(options.height * options.width * options.channels)
    if volume > MAX_INT:
        raise options.error("channels", "height * width * channels exceeds 32 bits")
    if options.inputs is None:
        if volume == 0:
            missing = next(name for name in ("height", "width", "channels") if not options[name])
            raise options.error(missing, "height, width and channels, or inputs, must be given")
        return volume
    if volume and volume != options.inputs:
        raise options.error("inputs", f"height * width * channels is {volume}")
    return int(options.inputs)


def _check_optimiser(options: Options) -> None:
    """Check that [net] turns on one optimiser at most."""
    given = [flag for flag in OPTIMISER_FLAGS if options[flag]]
    if len(given) > 1:
        raise options.error(given[1], f"{given[0]}=1 is given, too: a network has one optimiser")


def _check_schedule(options: Options) -> None:
    """Check what the chosen policy needs."""
    policy = options.policy
    if policy == "steps":
        for name in ("steps", "scales"):
            if options[name] is None:
                raise options.error("policy", f"needs {name}=")
        if len(options.steps) != len(options.scales):
            raise options.error(
                "scales", f"has {len(options.scales)} values for {len(options.steps)} steps"
            )
    if policy == "poly" and not options.max_batches:
        raise options.error("policy", "needs max_batches= of at least 1")
    if policy == "sgdr" and not (options.sgdr_cycle or options.max_batches):
        raise options.error("policy", "needs sgdr_cycle= or max_batches=")
