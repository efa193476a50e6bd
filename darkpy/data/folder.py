"""A folder per class: the folder's name is the class, every picture below it is a sample."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from darkpy.data.dataset import Dataset, Truth, one_hot
from darkpy.data.images import Image, load_image
from darkpy.errors import DataError

__all__ = ["IMAGE_SUFFIXES", "FolderDataset", "class_folders"]

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".gif", ".webp", ".tif", ".tiff"}
)


def class_folders(folder: Path) -> list[str]:
    """Return the names of the class folders in `folder`, sorted; hidden ones are left out."""
    return sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."
    )


class FolderDataset(Dataset):
    """Pictures sorted into one folder per class.

    Parameters
    ----------
    folder : path
        Holds ``CLASS/.../picture.jpg``.
    names : sequence of str, optional
        The classes and their order; the sorted folder names if not given.  A folder that is not
        among them is an error, a name without a folder is a class without pictures.

    Raises
    ------
    DataError
        Names the folder that has no pictures, or that is no known class.
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

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.paths)

    def sample(self, index: int, channels: int) -> tuple[Image, Truth]:
        """Decode one picture; see `Dataset.sample`."""
        image = load_image(self.paths[index], channels)
        return image, one_hot(self.labels[index], len(self.names))

    def describe(self, index: int) -> str:
        """Return the picture's path."""
        return str(self.paths[index])
