"""Tables, on the screen and in RESULTS.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.rounds import Result

__all__ = ["RESULTS", "comparison", "difference", "kept_rows", "table", "update_section"]

RESULTS = Path(__file__).resolve().parent.parent / "RESULTS.md"

HEADER = """# Measurements

Written by the scripts of this folder; all figures of a row come from one run, taken in turns.
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
    scale = float(np.ptp(reference.answer)) or float(np.abs(reference.answer).max()) or 1.0
    return float(np.abs(result.answer - reference.answer).max()) / scale


def comparison(
    results: Sequence[Result],
    *,
    images: int = 0,
    memory: bool = False,
    answers: str = "largest difference",
) -> str:
    """Return the table of one round robin, the others compared with the first.

    Parameters
    ----------
    results : sequence of Result
        darkpy's first.
    images : int
        Images per repetition; 0 leaves the rates out.
    memory : bool
        Show peak memory.
    answers : str
        Heading of the column that compares answers; with "losses" in it they are losses. Empty for
        none.
    """
    first = results[0]
    header = ["", "ms best", "ms median"]
    header += ["images/s best", "images/s median"] * bool(images) + [f"{first.name} is"]
    header += ["peak MB"] * memory + [answers] * bool(answers)
    rows, notes = [], []
    for result in results:
        if not result.times:
            rows.append([result.name, *["-"] * (len(header) - 1)])
            notes.append(f"- {result.name} cannot: {result.note}")
            continue
        row = [result.name, f"{result.best * 1e3:.2f}", f"{result.median * 1e3:.2f}"]
        if images:
            row += [f"{images / result.best:.1f}", f"{images / result.median:.1f}"]
        row.append("" if result is first else f"{result.best / first.best:.2f} x")
        row += [f"{result.peak / 1e6:.0f}"] * memory
        if answers:
            away = difference(result, first, losses="losses" in answers)
            row.append("" if result is first or away is None else f"{away:.1e}")
        rows.append(row)
    return "\n".join([table(header, rows), *["\n" * bool(notes) + "\n".join(notes)] * bool(notes)])


def kept_rows(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], path: Path = RESULTS
) -> list[list[str]]:
    """Return the rows of the table under ``## title``, `rows` in the place of those of their name.

    Without such a table, or with other columns, `rows` alone.
    """
    text = path.read_text() if path.exists() else ""
    section = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    lines = [line for line in section[1].splitlines() if line.startswith("|")] if section else []
    old = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    if not old or old[0] != list(header):
        return [list(row) for row in rows]
    new = {row[0]: list(row) for row in rows}
    kept = [new.pop(row[0], row) for row in old[2:]]
    return kept + list(new.values())


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
