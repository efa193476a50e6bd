"""Values: written text becomes the value that its declaration promises, or a ValueError.

The text must parse whole: ``4x`` and ``abc``, which Darknet's atoi reads as 4 and 0, are refused.
An integral float (``3.0``, ``1e3``) passes as an integer.
"""

from __future__ import annotations

import re
from typing import Any

from darkpy.config.option import MAX_INT, Kind, Option
from darkpy.config.text import quoted

__all__ = ["parse_value"]

# ASCII digits only; no alternative can match the same digits twice, so long junk costs linear time.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_FLOAT32 = (2 - 2**-23) * 2.0**127


def parse_value(option: Option, written: str) -> Any:
    """Parse the text of one option.

    Raises
    ------
    ValueError
        The message says what the value must be; the caller adds file, line, section, key and value.
    """
    if option.kind is Kind.TEXT:
        return written
    if option.kind is Kind.CHOICE:
        if written not in option.choices:
            raise ValueError(f"must be {option.expected}")
        return written
    if option.kind is Kind.FLAG:
        number = _finite(written)
        if number is None or not number.is_integer():
            raise ValueError(f"must be {option.expected}")
        return number != 0
    if option.kind in (Kind.INTS, Kind.FLOATS):
        return tuple(_elements(option, written))
    return _number(option, option.kind is Kind.INT, written)


def _elements(option: Option, written: str) -> list[float]:
    """Parse a comma-separated list, naming the element that does not fit (counted from 1)."""
    values: list[float] = []
    for position, element in enumerate(written.split(","), start=1):
        try:
            values.append(_number(option, option.kind is Kind.INTS, element))
        except ValueError:
            what = quoted(element) if element else "empty"
            raise ValueError(f"must be {option.expected} (element {position} is {what})") from None
    return values


def _number(option: Option, is_integer: bool, written: str) -> float:
    """Parse one number and check its range."""
    number = _finite(written)
    if number is None or not option.allows(number) or (is_integer and not number.is_integer()):
        raise ValueError(f"must be {option.expected}")
    if not is_integer:
        return number
    if abs(number) > MAX_INT:
        raise ValueError(f"must be {option.expected} that fits 32 bits")
    return int(number)


def _finite(written: str) -> float | None:
    """Return the number, or None for text, NaN, infinity and what float32 cannot hold."""
    if not _NUMBER.fullmatch(written):
        return None
    number = float(written)
    return number if abs(number) <= _MAX_FLOAT32 else None
