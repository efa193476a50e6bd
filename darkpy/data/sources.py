"""Sources: paths and arrays become training data; only this module knows all their forms."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from darkpy.data.arrays import dataset_from_arrays
from darkpy.data.darknet import open_data_file
from darkpy.data.dataset import Dataset, TrainingData
from darkpy.data.folder import FolderDataset, class_folders
from darkpy.data.idx import find_idx_files, open_idx
from darkpy.errors import ArgumentError, DataError

__all__ = ["Source", "open_dataset"]

Source = Any
"""The forms of data that `open_dataset` accepts; its docstring lists them."""

TRAIN_FOLDERS = ("train", "training")
VALID_FOLDERS = ("valid", "validation", "val", "test")


def open_dataset(source: Source) -> TrainingData:
    """Open labelled photos in any of the known forms.

    Parameters
    ----------
    source : path, tuple, Dataset or TrainingData
        * a folder with IDX files (MNIST's names, .gz or not), and perhaps one .names file;
        * a folder with one folder of pictures per class, or with folders ``train/`` and ``valid/``
          (or ``test/``, ``val/``) that contain such folders;
        * a Darknet .data file;
        * ``(images, labels)`` or ``(images, labels, valid_images, valid_labels)``: NumPy arrays or
          paths of IDX files;
        * a `Dataset` or `TrainingData`, used as it is.

    Returns
    -------
    TrainingData

    Raises
    ------
    DataError, ConfigError
        Name the file (and line or entry) that cannot be used.
    ArgumentError, ShapeError, DTypeError
        The arguments are none of these forms.
    """
    if isinstance(source, TrainingData):
        return source
    if isinstance(source, Dataset):
        return TrainingData(source, None, source.names)
    if isinstance(source, (str, os.PathLike)):
        return _open_path(Path(source))
    if isinstance(source, Sequence) and len(source) in (2, 4):
        return _open_parts(source)
    raise ArgumentError(
        "data: a folder, a .data file, (images, labels) or (images, labels, valid_images,"
        f" valid_labels) expected, not {type(source).__name__}"
    )


def _open_path(path: Path) -> TrainingData:
    """Open a folder or a .data file."""
    if path.is_file():
        if path.suffix == ".gz" or "ubyte" in path.name or path.suffix == ".idx":
            raise DataError(path, 0, "give the folder of the IDX files, or images and labels")
        return open_data_file(path)
    if not path.is_dir():
        raise DataError(path, 0, "there is no such file or folder")
    idx = find_idx_files(path)
    if idx:
        return _open_idx_folder(path, idx)
    train = next((path / name for name in TRAIN_FOLDERS if (path / name).is_dir()), None)
    valid = next((path / name for name in VALID_FOLDERS if (path / name).is_dir()), None)
    if train is None:
        if not class_folders(path):
            raise DataError(path, 0, "no IDX files and no folders of pictures in this folder")
        everything = FolderDataset(path)
        return TrainingData(everything, None, everything.names)
    learned = FolderDataset(train)
    held_back = FolderDataset(valid, learned.names) if valid else None
    return TrainingData(learned, held_back, learned.names)


def _open_idx_folder(folder: Path, files: dict[str, Path]) -> TrainingData:
    """Open the train and valid pairs of IDX files of a folder."""
    for split in ("train", "valid"):
        here = [kind for kind in ("images", "labels") if f"{split} {kind}" in files]
        if len(here) == 1:
            missing = "labels" if here == ["images"] else "images"
            raise DataError(
                folder, 0, f"{files[f'{split} {here[0]}'].name} is there, its {missing} are not"
            )
    if "train images" not in files:
        raise DataError(folder, 0, "IDX files to validate with are there, none to train with")
    train = open_idx(files["train images"], files["train labels"])
    valid = None
    if "valid images" in files:
        valid = open_idx(files["valid images"], files["valid labels"], train.names)
    return TrainingData(train, valid, train.names)


def _open_parts(parts: Sequence[Any]) -> TrainingData:
    """Open images and labels given one by one: paths of IDX files, or arrays."""
    paths = [isinstance(part, (str, os.PathLike)) for part in parts]
    if any(paths) and not all(paths):
        raise ArgumentError("data: paths and arrays cannot be mixed")
    pairs = [parts[start : start + 2] for start in range(0, len(parts), 2)]
    if all(paths):
        train: Dataset = open_idx(parts[0], parts[1])
        opened = [open_idx(pair[0], pair[1], train.names) for pair in pairs[1:]]
    else:
        names = None
        if all(np.ndim(labels) == 1 for _, labels in pairs):  # the largest label of either part
            largest = max(int(np.max(labels, initial=0)) for _, labels in pairs)
            names = [str(number) for number in range(largest + 1)]
        train = dataset_from_arrays(parts[0], parts[1], names, "the training arrays")
        opened = [
            dataset_from_arrays(pair[0], pair[1], train.names, "the validation arrays")
            for pair in pairs[1:]
        ]
    return TrainingData(train, opened[0] if opened else None, train.names)
