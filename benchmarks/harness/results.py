"""RESULTS.md: for each processor an overview, and the tables that were measured on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from harness.report import table

__all__ = ["RESULTS", "kept_rows", "update_section"]

RESULTS = Path(__file__).resolve().parent.parent / "RESULTS.md"

HEADER = """# Measurements

Written by the scripts of this folder: a part for each processor, its overview first. All figures
of a table come from one run, taken in turns; "x" says how many times as fast darkpy is.
"""

#: What a part shows first.
ORDER = ("Inference", "Cold start", "Training", "gemm", "Kernels")
#: Peers that do not compute in float32.
OTHER_PRECISION = ("darkpy bf16", "OpenVINO default")
MALLOC_TUNED = ", malloc tuned"

Rows = list[dict[str, str]]
Sections = dict[str, str]


def update_section(title: str, body: str, processor: str, path: Path = RESULTS) -> None:
    """Put `body` under `title` in the part of a processor, in place of what stood there."""
    parts = _read(path)
    parts.setdefault(processor, {})[title] = body.strip()
    text = HEADER
    for name, sections in parts.items():
        text += f"\n# {name}\n"
        for heading in sorted(sections, key=_place):
            text += f"\n## {heading}\n\n{sections[heading]}\n"
        text = text.replace(f"\n# {name}\n", f"\n# {name}\n{_overview(sections)}", 1)
    path.write_text(text)


def kept_rows(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    processor: str,
    path: Path = RESULTS,
) -> list[list[str]]:
    """Return the rows of a section's table, `rows` in the place of those of their name.

    Without such a table, or with other columns, `rows` alone.
    """
    old = _table(_read(path).get(processor, {}).get(title, ""))
    if not old or list(old[0]) != list(header):
        return [list(row) for row in rows]
    new = {row[0]: list(row) for row in rows}
    kept = [new.pop(row[header[0]], list(row.values())) for row in old]
    return kept + list(new.values())


def _read(path: Path) -> dict[str, Sections]:
    """Processor -> title -> body; writing computes the overviews again."""
    parts: dict[str, Sections] = {}
    text = path.read_text() if path.exists() else ""
    for name, part in re.findall(r"^# ([^\n]+)\n(.*?)(?=^# |\Z)", text, re.M | re.S)[1:]:
        found = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", part, re.M | re.S)
        parts[name] = {title: body.strip() for title, body in found}
    return parts


def _place(title: str) -> tuple[int, str, list[int]]:
    """Sort key: kind, then the words, then the numbers of a title."""
    kind = next((i for i, word in enumerate(ORDER) if title.startswith(word)), len(ORDER))
    return (
        kind,
        re.sub(r"(, batch \d+)?, \d+ threads?$", "", title),
        [int(n) for n in re.findall(r"\d+", title)],
    )


def _table(body: str) -> Rows:
    """The first table of a section, a row as heading -> cell."""
    lines = [line for line in body.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def _overview(sections: Sections) -> str:
    """The ratios of all networks, as one table for inference and one for training."""
    rows: dict[str, list[list[str]]] = {"Inference": [], "Training": []}
    for title in sorted(sections, key=_place):
        parsed = re.fullmatch(r"(Inference|Training): (.+), batch (\d+), (\d+) threads?", title)
        if parsed and (measured := _table(sections[title])):
            row = _inference(measured) if parsed[1] == "Inference" else _training(measured)
            rows[parsed[1]].append([*parsed.groups()[1:], *row])
    text = ""
    for kind, more in (
        ("Inference", ["fastest peer", "darkpy is", "Darknet"]),
        ("Training", ["stock PyTorch", "malloc tuned", "Darknet", "of PyTorch's memory"]),
    ):
        if rows[kind]:
            header = [kind, "batch", "threads", "images/s", *more]
            text += f"\n{table(header, rows[kind])}\n"
    return text


def _ratio(row: dict[str, str] | None) -> str:
    return row["darkpy is"] if row else ""


def _fastest(rows: Rows) -> dict[str, str] | None:
    """The one that darkpy is the least ahead of."""
    timed = [row for row in rows if row["darkpy is"].endswith("x")]
    return min(timed, key=lambda row: float(row["darkpy is"][:-1]), default=None)


def _darknet(rows: Rows) -> dict[str, str] | None:
    return _fastest([row for row in rows if row[""].startswith("Darknet")])


def _inference(rows: Rows) -> list[str]:
    """Rate, and the lead over the fastest peer in float32 and over Darknet."""
    others = [row for row in rows[1:] if row[""] not in OTHER_PRECISION]
    peer = _fastest([row for row in others if not row[""].startswith("Darknet")])
    name = peer[""] if peer else ""
    return [rows[0]["images/s best"], name, _ratio(peer), _ratio(_darknet(rows))]


def _training(rows: Rows) -> list[str]:
    """Rate, the lead over PyTorch's fastest mode, the tuned one and Darknet, and the memory."""
    pytorch = [row for row in rows if row[""].startswith("PyTorch")]
    tuned = [row for row in pytorch if row[""].endswith(MALLOC_TUNED)]
    stock = [row for row in pytorch if row not in tuned]
    plain = next((row for row in stock if row[""] == "PyTorch channels_last"), None)
    share = ""
    if plain and plain["peak MB"].isdigit():
        share = f"{float(rows[0]['peak MB']) / float(plain['peak MB']):.2f}"
    return [
        rows[0]["images/s best"],
        *map(_ratio, (_fastest(stock), _fastest(tuned), _darknet(rows))),
        share,
    ]
