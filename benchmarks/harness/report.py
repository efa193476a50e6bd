"""Tables, on the screen and in RESULTS.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.rounds import Result

__all__ = ["RESULTS", "comparison", "difference", "table", "update_section"]

RESULTS = Path(__file__).resolve().parent.parent / "RESULTS.md"

HEADER = """# Measurements

Written by the scripts of this folder; all figures of a table come from one run, taken in turns.
"""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned for reading as text, too."""
    cells = [list(header), *map(list, rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def difference(result: Result, reference: Result, *, losses: bool = False) -> float | None:
    """Largest difference of two answers, divided by the range of the reference's values.

    For losses it is the largest relative difference.
    """
    if result.answer is None or reference.answer is None:
        return None
    if result.answer.shape != reference.answer.shape:
        return float("inf")
    if losses:
        return float(np.abs(result.answer / reference.answer - 1).max())
    scale = float(np.ptp(reference.answer)) or 1.0
    return float(np.abs(result.answer - reference.answer).max()) / scale


def comparison(
    results: Sequence[Result], *, images: int, memory: bool, losses: bool = False
) -> str:
    """Return the table of one round robin, the others compared with the first.

    Parameters
    ----------
    results : sequence of Result
        darkpy's first.
    images : int
        Images per repetition.
    memory : bool
        Show peak memory.
    losses : bool
        The answers are losses.
    """
    first = results[0]
    header = ["", "ms best", "ms median", "images/s best", "images/s median", f"{first.name} is"]
    header += ["peak MB"] * memory + ["losses differ by" if losses else "largest difference"]
    rows = []
    for result in results:
        if not result.times:
            rows.append([result.name, f"cannot: {result.note}", *[""] * (len(header) - 2)])
            continue
        away = difference(result, first, losses=losses)
        row = [
            result.name,
            f"{result.best * 1e3:.2f}",
            f"{result.median * 1e3:.2f}",
            f"{images / result.best:.1f}",
            f"{images / result.median:.1f}",
            "" if result is first else f"{result.best / first.best:.2f} x",
        ]
        row += [f"{result.peak / 1e6:.0f}"] * memory
        row.append("" if result is first or away is None else f"{away:.1e}")
        rows.append(row)
    return table(header, rows)


def update_section(title: str, body: str, path: Path = RESULTS) -> None:
    """Put `body` under the heading ``## title``, in place of what stood there."""
    text = path.read_text() if path.exists() else HEADER
    section = f"## {title}\n\n{body.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: section + "\n", text, count=1)
    else:
        text = f"{text.rstrip()}\n\n{section}"
    path.write_text(text.rstrip() + "\n")
