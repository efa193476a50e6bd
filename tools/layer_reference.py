"""The reference of all sections as Markdown, made from the declarations: docs/layers.md.

``python tools/layer_reference.py docs/layers.md`` writes it anew.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from darkpy.config.dialects import DIALECTS, Dialect
from darkpy.config.net_table import NET_OPTIONS
from darkpy.config.options import Option, option_table
from darkpy.layers.base import COMMON_OPTIONS, Layer
from darkpy.layers.registry import layer_classes

__all__ = ["layer_reference"]

_INTRODUCTION = """\
# The sections of a .cfg file

This page is generated from the layers' own declarations, the ones that the parser uses.
After a change: `python tools/layer_reference.py docs/layers.md`.

[cfg-grammar.md](cfg-grammar.md) says how values are written. A default called "derived" depends on
other values; its meaning says how. The last column of a table names the forks of Darknet that know
a key. A key or section of alexeyab alone makes the network an alexeyab one unless
`darkpy.load(..., dialect=)` says otherwise.
"""


def layer_reference() -> str:
    """Return docs/layers.md: [net], the common options, then each section with its options."""
    classes = sorted(set(layer_classes().values()), key=lambda layer: layer.sections[0])
    parts = [
        _INTRODUCTION,
        "## What depends on the dialect\n",
        _dialect_table(),
        "## [net]\n",
        "The first section: input, batch, optimiser, schedule and augmentation. `[network]` is "
        "another name for it.\n",
        _table(NET_OPTIONS),
        "## Options of every layer section\n",
        _table(COMMON_OPTIONS),
    ]
    for layer in classes:
        parts += _section(layer)
    return "\n".join(parts)


def _section(layer: type[Layer]) -> list[str]:
    """Heading, description and options of one layer class."""
    full, *others = (f"[{name}]" for name in layer.sections)
    remarks = []
    if others:
        remarks.append(f"Also written {', '.join(f'`{name}`' for name in others)}.")
    if layer.is_alexeyab:
        remarks.append("Known to alexeyab only.")
    parts = [f"## {full}\n"]
    if remarks:
        parts.append(" ".join(remarks) + "\n")
    parts.append(_plain(inspect.cleandoc(layer.__doc__ or "")) + "\n")
    parts.append(_table(layer.options) if layer.options else "No options of its own.\n")
    return parts


def _table(declared: Sequence[Option]) -> str:
    """The options as a table; below it the words that only one fork knows."""
    text = _plain(option_table(declared))
    for option in declared:
        if option.alexeyab_choices:
            words = ", ".join(option.alexeyab_choices)
            text += f"\nWords of `{option.name}` that only alexeyab knows: {words}.\n"
    return text


def _dialect_table() -> str:
    """The constants of each fork, with the meanings of the class's own docstring."""
    rows = ["| " + " | ".join(("", *DIALECTS, "Meaning")) + " |"]
    rows.append("|---|" + "---|" * len(DIALECTS) + "---|")
    described = re.findall(
        r"^(\w+(?:, \w+)*) : .*\n((?:    .*\n?)+)", inspect.getdoc(Dialect) or "", re.MULTILINE
    )
    for names, meaning in described:
        for name in names.split(", "):
            if name != "name":
                values = [str(getattr(dialect, name)) for dialect in DIALECTS.values()]
                rows.append(f"| `{name}` | {' | '.join(values)} | {' '.join(meaning.split())} |")
    return _plain("\n".join(rows)) + "\n"


def _plain(text: str) -> str:
    """Keep asterisks and angle brackets outside code from being read as Markdown."""
    pieces = re.split(r"(`+[^`]+`+)", text)
    pieces[::2] = (re.sub(r"([*<])", r"\\\1", piece) for piece in pieces[::2])
    return "".join(pieces)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(layer_reference(), encoding="utf-8")
    else:
        sys.stdout.write(layer_reference())
