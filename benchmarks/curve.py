"""Draw a training's history as an SVG picture: loss, and accuracy on the held-back photos.

``python benchmarks/curve.py NAME_history.csv PICTURE.svg``
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 56, 28, 44
LOSS, SHARE = "#b04a3a", "#2f6f9f"


def scale(value: float, low: float, high: float, first: float, last: float) -> float:
    """Where a value lies between two ends of the picture."""
    return first + (value - low) / (high - low) * (last - first)


def line(points: Sequence[tuple[float, float]], colour: str) -> str:
    """A line with a dot at each point."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def words(x: float, y: float, text: str, anchor: str = "middle", colour: str = "#444") -> str:
    """A piece of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


def picture(rows: Sequence[dict[str, str]]) -> str:
    """The whole SVG file."""
    epochs = [float(row["images"]) / float(rows[0]["images"]) for row in rows]
    losses = [float(row["loss"]) for row in rows]
    shares = [100 * float(row["top1"]) for row in rows]
    least = 10 * int(min(shares) / 10)
    top = 0.5 * (1 + int(max(losses) / 0.5))
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT

    def across(epoch: float) -> float:
        return scale(epoch, 0, epochs[-1], LEFT, right)

    parts = []
    for share in range(least, 101, 10):
        y = scale(share, least, 100, bottom, TOP)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#ddd"/>')
        parts.append(words(right + 8, y + 4, f"{share} %", "start", SHARE))
    for half in range(int(2 * top) + 1):
        y = scale(half / 2, 0, top, bottom, TOP)
        parts.append(words(LEFT - 8, y + 4, f"{half / 2:.1f}", "end", LOSS))
    for epoch, share in zip(epochs, shares, strict=True):
        parts.append(words(across(epoch), bottom + 18, f"{epoch:.0f}"))
        y = scale(share, least, 100, bottom, TOP)
        parts.append(words(across(epoch), y - 8, f"{share:.1f}", "end", SHARE))
    parts.append(words((LEFT + right) / 2, HEIGHT - 8, "epochs"))
    parts.append(words(LEFT, 16, "loss on training photos", "start", LOSS))
    parts.append(words(right, 16, "test photos named correctly", "end", SHARE))
    curve = [
        (across(e), scale(v, 0, top, bottom, TOP)) for e, v in zip(epochs, losses, strict=True)
    ]
    parts.append(line(curve, LOSS))
    curve = [
        (across(e), scale(v, least, 100, bottom, TOP)) for e, v in zip(epochs, shares, strict=True)
    ]
    parts.append(line(curve, SHARE))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
    )
    return head + "\n" + "\n".join(parts) + "\n</svg>\n"


def main() -> None:
    """Read the history, write the picture."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    Path(sys.argv[2]).write_text(picture(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
