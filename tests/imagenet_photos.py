"""The labelled photos of the large test material, prepared as their README says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["photos"]


def photos(folder: Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The photos as their README prepares them (Pillow, 256 x 256, centre crop) and classes."""
    rows = [line.split("\t") for line in (folder / "labels.txt").read_text().splitlines()]
    start = (256 - size) // 2
    x = np.empty((len(rows), 3, size, size), np.float32)
    for image, row in zip(x, rows, strict=True):
        with Image.open(folder / row[0]) as file:
            small = file.convert("RGB").resize((256, 256), Image.Resampling.BILINEAR)
        pixels = np.asarray(small)[start : start + size, start : start + size]
        image[...] = pixels.transpose(2, 0, 1) / np.float32(255)
    return x, np.array([int(row[1]) for row in rows])
