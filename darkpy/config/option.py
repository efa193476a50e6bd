"""The declaration of one option, and the short constructors that layer files use.

`darkpy.config.values` parses written text by such a declaration; code that uses both imports them
from `darkpy.config.options`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = [
    "MAX_INT",
    "Kind",
    "Option",
    "choice",
    "flag",
    "integer",
    "integers",
    "real",
    "reals",
    "text",
]

#: The largest integer option: Darknet's and C's int.
MAX_INT = 2**31 - 1


class Kind(enum.Enum):
    """The kinds of values that an option can have."""

    INT = "integer"
    FLOAT = "number"
    TEXT = "text"
    CHOICE = "choice"
    FLAG = "flag"
    INTS = "integers"
    FLOATS = "numbers"


class Option(NamedTuple):
    """The declaration of one option of a section.

    Attributes
    ----------
    name : str
        The key as Darknet writes it.
    kind : Kind
        Decides the Python type of the value: int, float, str (TEXT and CHOICE), bool, tuple of
        int, tuple of float.
    default : object
        The value when the key is not given; None when the layer derives it (`meaning` says how).
    meaning : str
        One line for the documentation, with its unit.
    minimum, maximum : float or None
        Inclusive range of a number, or of each element of a list.
    above, below : float or None
        Exclusive range, likewise.
    choices : tuple of str
        The words that a CHOICE may be.
    alexeyab_choices : tuple of str
        Those of `choices` that only AlexeyAB's fork knows.
    dialect : str or None
        None when every fork knows the key; ``"alexeyab"`` or ``"pjreddie"`` when only that one
        does; ``"darkpy"`` for additions of this package.
    """

    name: str
    kind: Kind
    default: Any
    meaning: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    alexeyab_choices: tuple[str, ...] = ()
    dialect: str | None = None

    def allows(self, number: float) -> bool:
        """Return whether a number lies in the declared range."""
        return (
            (self.minimum is None or number >= self.minimum)
            and (self.maximum is None or number <= self.maximum)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    @property
    def range(self) -> str:
        """The range in words that follow "an integer" or "a number"; empty when there is none."""
        if self.minimum is not None and self.maximum is not None:
            return f" from {self.minimum:.10g} to {self.maximum:.10g}"
        bounds = ((">=", self.minimum), (">", self.above), ("<=", self.maximum), ("<", self.below))
        words = [f"{sign} {bound:.10g}" for sign, bound in bounds if bound is not None]
        return " " + " and ".join(words) if words else ""

    @property
    def expected(self) -> str:
        """What a value must be, in words: ``"an integer >= 1"``."""
        if self.kind is Kind.CHOICE:
            return "one of " + ", ".join(self.choices)
        noun = {
            Kind.INT: "an integer",
            Kind.FLOAT: "a number",
            Kind.TEXT: "text",
            Kind.FLAG: "0 or 1",
            Kind.INTS: "integers separated by commas",
            Kind.FLOATS: "numbers separated by commas",
        }[self.kind]
        if self.kind in (Kind.INTS, Kind.FLOATS) and self.range:
            return f"{noun}, each{self.range}"
        return noun + self.range


def _checked(option: Option) -> Option:
    """Refuse a declaration that contradicts itself: a mistake in the source."""
    if option.kind is Kind.CHOICE and not option.choices:
        raise ValueError(f"option {option.name}: no choices")
    if not set(option.alexeyab_choices) <= set(option.choices):
        raise ValueError(f"option {option.name}: alexeyab_choices are not all among choices")
    default = option.default
    if default is None:
        return option
    if option.kind is Kind.CHOICE and default not in option.choices:
        raise ValueError(f"option {option.name}: the default {default!r} is no choice")
    if option.kind in (Kind.INT, Kind.FLOAT) and not option.allows(default):
        raise ValueError(f"option {option.name}: the default {default!r} is out of range")
    return option


def integer(
    name: str,
    default: int | None,
    meaning: str,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    dialect: str | None = None,
) -> Option:
    """Declare an integer; its range includes both ends."""
    return _checked(
        Option(name, Kind.INT, default, meaning, minimum=minimum, maximum=maximum, dialect=dialect)
    )


def real(
    name: str,
    default: float | None,
    meaning: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    dialect: str | None = None,
) -> Option:
    """Declare a finite number; its range includes minimum and maximum, but not above and below."""
    return _checked(
        Option(
            name,
            Kind.FLOAT,
            default,
            meaning,
            minimum=minimum,
            maximum=maximum,
            above=above,
            below=below,
            dialect=dialect,
        )
    )


def text(name: str, default: str | None, meaning: str, *, dialect: str | None = None) -> Option:
    """Declare free text, such as a file name."""
    return Option(name, Kind.TEXT, default, meaning, dialect=dialect)


def choice(
    name: str,
    default: str | None,
    choices: Sequence[str],
    meaning: str,
    *,
    alexeyab_choices: Sequence[str] = (),
    dialect: str | None = None,
) -> Option:
    """Declare a word of a list; letter case counts, as in Darknet."""
    return _checked(
        Option(
            name,
            Kind.CHOICE,
            default,
            meaning,
            choices=tuple(choices),
            alexeyab_choices=tuple(alexeyab_choices),
            dialect=dialect,
        )
    )


def flag(name: str, default: bool | None, meaning: str, *, dialect: str | None = None) -> Option:
    """Declare a switch: 0 is off, any other integer is on."""
    return Option(name, Kind.FLAG, default, meaning, dialect=dialect)


def integers(
    name: str,
    default: Sequence[int] | None,
    meaning: str,
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    dialect: str | None = None,
) -> Option:
    """Declare a comma-separated list of integers; the range holds for each of them."""
    values = None if default is None else tuple(default)
    return _checked(
        Option(name, Kind.INTS, values, meaning, minimum=minimum, maximum=maximum, dialect=dialect)
    )


def reals(
    name: str,
    default: Sequence[float] | None,
    meaning: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    dialect: str | None = None,
) -> Option:
    """Declare a comma-separated list of numbers; the range holds for each of them."""
    return _checked(
        Option(
            name,
            Kind.FLOATS,
            None if default is None else tuple(default),
            meaning,
            minimum=minimum,
            maximum=maximum,
            above=above,
            below=below,
            dialect=dialect,
        )
    )
