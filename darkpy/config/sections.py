"""The sections of a .cfg file, parsed from its text; every line number is kept.

Only the grammar lives here; what the keys mean is declared with `darkpy.config.options`.
The grammar (Darknet's `read_cfg` and `option_list.c`, spec in docs/cfg-grammar.md):

* spaces, tabs and carriage returns are removed anywhere in a line;
* ``#`` and ``;`` start a comment that runs to the end of the line;
* ``[name]`` starts a section, ``key=value`` (split at the first ``=``) belongs to the last one;
* the first section is ``[net]`` or ``[network]``; where a key is repeated, its first value counts.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from darkpy.config.text import MAX_CFG_BYTES, decode, quoted, read_bytes, split_option
from darkpy.errors import ConfigError, ConfigSyntaxError

__all__ = ["Entry", "Section", "parse_cfg", "read_cfg"]

#: The names of the section that a cfg must begin with.
NET_NAMES = ("net", "network")

_REMOVED = str.maketrans("", "", " \t\r")
_COMMENT = re.compile("[#;]")


class Entry(NamedTuple):
    """One line ``key=value``; `line` counts from 1."""

    key: str
    value: str
    line: int


class Section(NamedTuple):
    """One ``[name]`` with its options, as written.

    Attributes
    ----------
    name : str
        Without the brackets, for example ``"convolutional"``; empty for a .data file, whose
        options are in no section.
    line : int
        The line of ``[name]``, from 1.
    path : str
        The file, for messages; ``"<string>"`` for text that came from elsewhere.
    entries : tuple of Entry
        In the order of the file, repeated keys included; the first one counts.
    """

    name: str
    line: int
    path: str
    entries: tuple[Entry, ...]

    @property
    def label(self) -> str:
        """The beginning of messages about this section: ``"[name] "``, or nothing."""
        return f"[{self.name}] " if self.name else ""

    def get(self, key: str) -> Entry | None:
        """Return the entry that counts for `key`: the first one, or None."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def error(self, message: str) -> ConfigError:
        """Return an error about the whole section: ``path:line: [name] message``."""
        return ConfigError(self.path, self.line, self.label + message)


def read_cfg(path: str | os.PathLike[str]) -> list[Section]:
    """Read a .cfg file.

    Parameters
    ----------
    path : str or path-like
        UTF-8, with or without a byte order mark, any line ends. Other encodings are tolerated
        inside comments.

    Returns
    -------
    list of Section
        At least one; the first is ``[net]`` or ``[network]``.

    Raises
    ------
    ConfigSyntaxError
        A line that is no section, option or comment; names ``path:line``.
    ConfigError
        The file is missing, a folder, unreadable or larger than 4 MiB.
    """
    text, is_utf8 = decode(read_bytes(path, MAX_CFG_BYTES), path)
    return _parse(text, os.fspath(path), is_utf8)


def parse_cfg(text: str, path: str = "<string>") -> list[Section]:
    """Parse the text of a .cfg; `path` is what error messages call it. See `read_cfg`."""
    if len(text) > MAX_CFG_BYTES:
        raise ConfigError(path, 0, f"is longer than {MAX_CFG_BYTES:,} characters")
    return _parse(text.removeprefix("\ufeff"), path, True)


def _parse(text: str, path: str, is_utf8: bool) -> list[Section]:
    """Split text into sections; only with `is_utf8` may code hold non-ASCII characters."""
    sections: list[Section] = []
    entries: list[Entry] = []
    for line, raw in enumerate(text.split("\n"), start=1):
        code = _COMMENT.split(raw, maxsplit=1)[0].translate(_REMOVED)
        if not code:
            continue
        _check_characters(code, path, line, is_utf8)
        if code[0] == "[":
            name = _section_name(code, path, line)
            if not sections and name not in NET_NAMES:
                raise ConfigSyntaxError(
                    path, line, f"the first section must be [net] or [network], got [{name}]"
                )
            _close(sections, entries)
            entries = []
            sections.append(Section(name, line, path, ()))
        else:
            key, value = split_option(code, path, line)
            if not sections:
                raise ConfigSyntaxError(
                    path, line, f"{quoted(code)} stands before the first section, [net]"
                )
            entries.append(Entry(key, value, line))
    if not sections:
        raise ConfigSyntaxError(path, 1, "no section: a cfg begins with [net]")
    _close(sections, entries)
    return sections


def _close(sections: list[Section], entries: list[Entry]) -> None:
    """Put the collected entries into the last section."""
    if sections:
        last = sections[-1]
        sections[-1] = Section(last.name, last.line, last.path, tuple(entries))


def _check_characters(code: str, path: str, line: int, is_utf8: bool) -> None:
    """Refuse unprintable characters, and text of an unknown encoding outside comments."""
    if not code.isprintable():
        bad = next(character for character in code if not character.isprintable())
        raise ConfigSyntaxError(path, line, f"unprintable character {bad!r} in {quoted(code)}")
    if not is_utf8 and not code.isascii():
        raise ConfigSyntaxError(path, line, f"{quoted(code)} is not UTF-8")


def _section_name(code: str, path: str, line: int) -> str:
    """Return the text between the brackets of a line that begins with ``[``."""
    name, bracket, rest = code[1:].partition("]")
    if not bracket:
        raise ConfigSyntaxError(path, line, f"{quoted(code)} lacks its ']'")
    if rest:
        raise ConfigSyntaxError(path, line, f"{quoted(rest)} stands behind [{name}]")
    if not name:
        raise ConfigSyntaxError(path, line, "[] names no section")
    return name
