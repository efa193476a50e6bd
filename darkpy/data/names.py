"""Class names, found beside data and weights: .names files, one name a line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from darkpy.config.data_file import read_names
from darkpy.errors import DataError
from darkpy.files import not_written, replaced

__all__ = ["find_names", "write_names"]


def write_names(path: str | os.PathLike[str], names: Sequence[str]) -> None:
    """Write class names, one per line; the file is written as a whole or not at all.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    try:
        with replaced(path) as file:
            file.write("".join(f"{name}\n" for name in names).encode())
    except OSError as error:
        text = not_written(error)
        raise DataError(os.fspath(path), 0, text) from error


def find_names(folder: Path) -> list[str] | None:
    """Read the .names file of a folder that has exactly one, else return None."""
    files = sorted(folder.glob("*.names"))
    return list(read_names(files[0])) if len(files) == 1 else None
