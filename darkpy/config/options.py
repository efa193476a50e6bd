"""Options: one declaration drives parsing, defaults, ranges, messages and documentation.

A layer lists its options once, with the short constructors below, and `read_options` turns a
section into checked values::

    OPTIONS = (
        integer("filters", 1, "number of filters", minimum=1),
        flag("pad", False, "pad with size // 2 pixels on each side"),
        choice("activation", "logistic", ACTIVATIONS, "activation function"),
    )
    options = read_options(section, OPTIONS)
    options.filters                     # int, >= 1
    raise options.error("filters", "must be divisible by groups")

Rules between several options belong to the reader of the section (a layer, `net_options`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from darkpy.config.option import (
    Kind,
    Option,
    choice,
    flag,
    integer,
    integers,
    real,
    reals,
    text,
)
from darkpy.config.sections import Section
from darkpy.config.text import quoted
from darkpy.config.values import parse_value
from darkpy.errors import OptionValueError, UnusedOptionWarning

__all__ = [
    "Kind",
    "Option",
    "Options",
    "choice",
    "did_you_mean",
    "flag",
    "integer",
    "integers",
    "option_table",
    "read_options",
    "real",
    "reals",
    "text",
]

#: How many unused keys of one section are reported one by one; the rest are counted.
_REPORTED_KEYS = 20
#: Longer words are no misspellings of a key, and the time of the comparison is quadratic.
_LONGEST_WORD = 40


class Options:
    """The checked values of one section: ``options.filters``, or ``options["from"]``.

    Every declared option has a value: the one written in the file, else its default, where None
    means that the layer derives it. Values cannot be changed.

    Attributes
    ----------
    section : Section
        The section that the values were read from.
    """

    __slots__ = ("_values", "section")

    section: Section

    def __init__(self, section: Section, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "section", section)
        object.__setattr__(self, "_values", dict(values))

    def __getattr__(self, name: str) -> Any:
        """Return the value of an option."""
        if name.startswith("_"):  # copy and pickle look for these before any value exists
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            hint = did_you_mean(name, self._values)
            raise AttributeError(f"no option {name!r} is declared{hint}") from None

    def __setattr__(self, name: str, value: object) -> None:
        """Raise AttributeError: options are facts about a file."""
        raise AttributeError(f"options cannot be changed (tried to set {name!r})")

    def __reduce__(self) -> tuple[Any, ...]:
        """Support copy and pickle, which cannot set attributes here."""
        return type(self), (self.section, self._values)

    def __getitem__(self, name: str) -> Any:
        """Return the value of an option whose name is no Python name."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of all declared options."""
        return iter(self._values)

    def __contains__(self, name: object) -> bool:
        """Return whether an option is declared, so that it has a value, given or not."""
        return name in self._values

    def __repr__(self) -> str:
        """Show every value."""
        pairs = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"<{type(self).__name__} of [{self.section.name}]: {pairs}>"

    def given(self, name: str) -> bool:
        """Return whether the file gives `name` itself (else its value is the default)."""
        return self.section.get(name) is not None

    def line(self, name: str) -> int:
        """Return the line of `name`, or the section's line when it is not given."""
        entry = self.section.get(name)
        return entry.line if entry else self.section.line

    def error(self, name: str, message: str) -> OptionValueError:
        """Return an error about one option, ready to raise.

        Its text is ``path:line: [section] name=value: message``, with the written value or the
        default, which is marked as such.
        """
        entry = self.section.get(name)
        if entry:
            value = entry.value if len(entry.value) <= 60 else entry.value[:60] + "..."
        else:
            default = self._values.get(name)
            value = "(not given)" if default is None else f"{_as_written(default)} (the default)"
        text = f"{self.section.label}{name}={value}: {message}"
        return OptionValueError(self.section.path, self.line(name), text)


def read_options(section: Section, declared: Sequence[Option], *, strict: bool = False) -> Options:
    """Turn a section into checked values, one per declared option.

    Parameters
    ----------
    section : Section
        One of the sections that `read_cfg` returns.
    declared : sequence of Option
        All options that the section may have.
    strict : bool
        Raise for an unknown or repeated key instead of warning.

    Raises
    ------
    OptionValueError
        A value of the wrong type or out of range; names file, line, section, key and value.

    Warns
    -----
    UnusedOptionWarning
        For a key that is not declared, and for a repeated one (the first counts).
    """
    by_name = {option.name: option for option in declared}
    values = {option.name: option.default for option in declared}
    read: dict[str, int] = {}
    unused: list[tuple[int, str]] = []
    for entry in section.entries:
        key = entry.key
        if key in read:
            unused.append(
                (entry.line, f"ignores the second {quoted_key(key)}, line {read[key]} counts")
            )
            continue
        read[key] = entry.line
        option = by_name.get(key)
        if option is None:
            hint = did_you_mean(key, by_name) if len(unused) < _REPORTED_KEYS else ""
            unused.append((entry.line, f"does not know key {quoted_key(key)}{hint}"))
            continue
        try:
            values[key] = parse_value(option, entry.value)
        except ValueError as error:
            hint = did_you_mean(entry.value, option.choices)
            raise OptionValueError(
                section.path,
                entry.line,
                f"{section.label}{key} {error}, got {quoted(entry.value)}{hint}",
            ) from None
    _report_unused(section, unused, strict)
    return Options(section, values)


def _report_unused(section: Section, unused: list[tuple[int, str]], strict: bool) -> None:
    """Warn about each unused line of a section, or raise for the first one."""
    for line, message in unused[:_REPORTED_KEYS]:
        if strict:
            raise OptionValueError(section.path, line, section.label + message)
        warnings.warn(
            f"{section.path}:{line}: {section.label}{message}", UnusedOptionWarning, stacklevel=3
        )
    if len(unused) > _REPORTED_KEYS:
        line = unused[_REPORTED_KEYS][0]
        warnings.warn(
            f"{section.path}:{line}: {section.label}has {len(unused) - _REPORTED_KEYS} more "
            "unused lines from here on",
            UnusedOptionWarning,
            stacklevel=3,
        )


def quoted_key(key: str) -> str:
    """Return a key in double quotes for a message, cut after 60 characters."""
    return f'"{key}"' if len(key) <= 60 else f'"{key[:60]}..."'


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return ``', did you mean "candidate"?'`` for the nearest candidate, or ``""``.

    Letter case is ignored in the comparison; the text is ready to end a message with.
    """
    if len(word) > _LONGEST_WORD:
        return ""
    import difflib  # only messages need it

    by_lower = {candidate.lower(): candidate for candidate in candidates}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f', did you mean "{by_lower[near[0]]}"?' if near else ""


def _as_written(value: object) -> str:
    """Return a value as a cfg would write it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return ",".join(map(_as_written, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def option_table(declared: Sequence[Option]) -> str:
    """Return the options as a Markdown table for the documentation, ending in a newline."""
    rows = ["| Option | Value | Default | Meaning | Known to |", "|---|---|---|---|---|"]
    for option in declared:
        default = "derived" if option.default is None else _as_written(option.default)
        forks = {None: "all", "darkpy": "darkpy only", "alexeyab": "alexeyab"}
        known = forks.get(option.dialect, option.dialect)
        cells = (f"`{option.name}`", option.expected, default, option.meaning, str(known))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"
