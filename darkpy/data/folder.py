"""A folder per class: its name is the class, and every picture below it is a sample."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darkpy.data.dataset import Dataset, Truth, one_hot
from darkpy.data.images import Image, from_bytes, load_bytes
from darkpy.errors import DataError

__all__ = ["FolderDataset", "class_folders"]

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".gif", ".webp", ".tif", ".tiff"}
)

#: A decoded picture of up to this many bytes (147 x 147 pixels of colour) is kept: opening and
#: decoding its file takes longer than all other preparation.
KEPT_PICTURE = 1 << 16
#: The kept pictures have at most this many bytes together.
KEPT_TOTAL = 1 << 28


def class_folders(folder: Path) -> list[str]:
    """Return the names of the class folders in `folder`, sorted; hidden ones are left out."""
    return sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."
    )


class FolderDataset(Dataset):
    """Pictures sorted into one folder per class; small ones are decoded once and kept.

    Parameters
    ----------
    folder : path
        Holds ``CLASS/.../picture.jpg``.
    names : sequence of str, optional
        The classes and their order; by default the sorted folder names.  A folder that is not among
        them is an error; a name without a folder is a class without pictures.

    Raises
    ------
    DataError
        A folder has no pictures, or is not a known class; the message names it.
    """

    def __init__(self, folder: str | os.PathLike[str], names: Sequence[str] | None = None) -> None:
        root = Path(folder)
        self.origin = os.fspath(folder)
        if not root.is_dir():
            raise DataError(folder, 0, "there is no such folder")
        found = class_folders(root)
        self.names = list(found if names is None else names)
        self.paths: list[Path] = []
        self.labels: list[int] = []
        numbers = {name: number for number, name in enumerate(self.names)}
        for name in found:
            if name not in numbers:
                raise DataError(
                    root / name, 0, f"this folder is none of the {len(numbers)} classes"
                )
            pictures = sorted(
                path for path in (root / name).rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES
            )
            if not pictures and names is None:
                raise DataError(root / name, 0, "there are no pictures in this class's folder")
            self.paths += pictures
            self.labels += [numbers[name]] * len(pictures)
        if not self.paths:
            raise DataError(folder, 0, "there are no folders with pictures in it")
        self._kept: dict[tuple[int, int], npt.NDArray[np.uint8]] = {}
        self._room = KEPT_TOTAL
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.paths)

    def sample(self, index: int, channels: int) -> tuple[Image, Truth]:
        """Decode one picture; see `Dataset.sample`."""
        image = from_bytes(self._pixels(index, channels))
        return image, one_hot(self.labels[index], len(self.names))

    def _pixels(self, index: int, channels: int) -> npt.NDArray[np.uint8]:
        """Decode a picture, or return the copy that was kept when it was first decoded."""
        pixels = self._kept.get((index, channels))
        if pixels is None:
            pixels = load_bytes(self.paths[index], channels)
            if pixels.nbytes <= KEPT_PICTURE:
                with self._lock:
                    if pixels.nbytes <= self._room and (index, channels) not in self._kept:
                        self._room -= pixels.nbytes
                        self._kept[index, channels] = pixels
        return pixels

    def describe(self, index: int) -> str:
        """Return the picture's path."""
        return str(self.paths[index])
