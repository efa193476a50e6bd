"""Tables and headings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.rounds import Result

__all__ = ["comparison", "difference", "table", "threads_text"]


def threads_text(threads: int) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{threads} thread" + "s" * (threads != 1)


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
