"""Darknet's training data: a .data file, lists of paths, and classes that are parts of the paths.

`darkpy.config.data_file` reads the files themselves; this module finds the classes in the paths.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from darkpy.config.data_file import DataFile, read_data
from darkpy.data.dataset import Dataset, TrainingData, Truth
from darkpy.data.images import Image, load_image

__all__ = ["AmbiguousLabelWarning", "ListDataset", "open_data_file"]


class AmbiguousLabelWarning(UserWarning):
    """A path of a list names no class, or several."""


class ListDataset(Dataset):
    """Pictures whose classes are found in their paths.

    Parameters
    ----------
    paths : sequence of Path
    labels : sequence of str
        Darknet's ``labels``: the texts to look for in the paths.
    names : sequence of str, optional
        Class names for people; the labels if not given.
    origin : str
        The list's file, for messages.
    folder : path, optional
        The folder of relative paths; labels are not searched for in this part of a path.
    first_only : bool
        The rule for a path that contains several labels.  False, as in training: it has all these
        classes.  True, as in ``classifier valid``: it has the first of them in `labels`.  Either
        way a list warns once about paths that do not have exactly one class.

    Notes
    -----
    A label counts wherever it occurs: ``cat`` is also found in ``category/7.jpg``; labels such as
    ``n01440764`` are safe.  Source: Darknet ``fill_truth`` and ``validate_classifier_single``.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Sequence[str],
        names: Sequence[str] | None = None,
        *,
        origin: str = "a list of images",
        folder: str | os.PathLike[str] | None = None,
        first_only: bool = False,
    ) -> None:
        self.paths = list(paths)
        self.labels = list(labels)
        self.names = list(names or labels)
        self.origin = origin
        self.first_only = first_only
        self._prefix = os.path.join(folder, "") if folder is not None else ""
        self._warning = threading.Lock()
        self._has_warned = False

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.paths)

    def sample(self, index: int, channels: int) -> tuple[Image, Truth]:
        """Decode one picture; see `Dataset.sample`."""
        return load_image(self.paths[index], channels), self.truth(index)

    def truth(self, index: int) -> Truth:
        """Find the classes in the path of picture `index`."""
        path = os.fspath(self.paths[index]).removeprefix(self._prefix)
        found = [number for number, label in enumerate(self.labels) if label in path]
        if len(found) != 1:
            self._warn(path, [self.labels[number] for number in found])
        truth = np.zeros(len(self.labels), np.float32)
        truth[found[:1] if self.first_only else found] = 1
        return truth

    def describe(self, index: int) -> str:
        """Return the picture's path."""
        return os.fspath(self.paths[index])

    def _warn(self, path: str, found: list[str]) -> None:
        """Warn once about paths without a single class."""
        with self._warning:
            if self._has_warned:
                return
            self._has_warned = True
        if not found:
            text = f"no label occurs in {path}: it has no class"
        else:
            consequence = "the first one counts" if self.first_only else "it has all these classes"
            text = f"the labels {', '.join(found)} all occur in {path}: {consequence}"
        warnings.warn(
            f"{self.origin}: {text} (said once for this list)", AmbiguousLabelWarning, stacklevel=3
        )


def open_data_file(path: str | os.PathLike[str]) -> TrainingData:
    """Open the photos that a Darknet .data file names.

    Returns
    -------
    TrainingData
        ``valid`` is None if the file has no such key.

    Raises
    ------
    ConfigError
        Names the .data file or list, and the line.
    """
    data = read_data(path)
    labels, names = data.read_labels(), data.read_names()
    if len(labels) != len(names):
        raise data.error("names", f"{len(names)} names for {len(labels)} labels")
    train = _open_list(data, "train", labels, names)
    valid = _open_list(data, "valid", labels, names) if data.valid is not None else None
    backup = data.output_folder()
    return TrainingData(
        train, valid, train.names, None if backup is None else os.fspath(backup), data.top or 5
    )


def _open_list(
    data: DataFile, key: str, labels: Sequence[str], names: Sequence[str]
) -> ListDataset:
    """Open one list of a .data file with the label rule of its purpose."""
    return ListDataset(
        data.read_images(key),
        labels,
        names,
        origin=os.fspath(data.find(key)),
        folder=data.folder,
        first_only=key == "valid",
    )
