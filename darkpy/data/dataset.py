"""Data sets: what the trainer knows about labelled photos.

Each form of data (IDX files, folders, lists, arrays, ...) is a subclass in a file of its own;
`darkpy.data.open_dataset` picks one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.data.images import Image
from darkpy.errors import DataError

__all__ = ["ArrayDataset", "Dataset", "TrainingData", "one_hot"]

Truth = npt.NDArray[np.float32]


def one_hot(label: int, classes: int) -> Truth:
    """Return the vector of `classes` zeros with a 1 at `label`."""
    truth = np.zeros(classes, np.float32)
    truth[label] = 1
    return truth


class Dataset(ABC):
    """Labelled photos, read one at a time; safe to read from several threads.

    Attributes
    ----------
    names : list of str
        One name a class; the position is the class number.
    origin : str
        File or folder, for messages.
    """

    names: list[str]
    origin: str

    @property
    def truth_shape(self) -> tuple[int, ...]:
        """Shape of one photo's truth: a value for each class, unless a subclass says otherwise."""
        return (len(self.names),)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of photos."""

    @abstractmethod
    def sample(self, index: int, channels: int) -> tuple[Image, Truth]:
        """Read one photo and its truth.

        Parameters
        ----------
        index : int
            0 .. len - 1.
        channels : int
            Channels of the network's input: 3 for RGB, 1 for grey.

        Returns
        -------
        image : ndarray of float32, shape (channels, h, w)
            In its own size, values 0..1.
        truth : ndarray of float32, of `truth_shape`

        Raises
        ------
        DataError
            Names the file and the entry.
        """

    @abstractmethod
    def describe(self, index: int) -> str:
        """Describe photo `index` so that a person can find it: a path, or a file and a number."""


class ArrayDataset(Dataset):
    """Photos of one size, held in memory in their own type (bytes stay bytes).

    Parameters
    ----------
    images : ndarray of uint8 (0..255) or floats (0..1), shape (n, channels, h, w)
    labels : ndarray of integers, shape (n,), or truth vectors of floats, shape (n, classes)
    names : sequence of str
        One name a class.
    origin : str
        For messages.
    """

    def __init__(
        self,
        images: npt.NDArray[Any],
        labels: npt.NDArray[Any],
        names: Sequence[str],
        origin: str = "the arrays given",
    ) -> None:
        self.images = images
        self.labels = labels
        self.names = list(names)
        self.origin = origin
        if len(images) != len(labels):
            raise DataError(origin, 0, f"{len(images)} images but {len(labels)} labels")
        if not len(images):
            raise DataError(origin, 0, "there are no images in it")
        if labels.ndim == 1:
            self._check_labels()
        elif labels.shape[1] != len(self.names):
            raise DataError(
                origin, 0, f"truth vectors of {labels.shape[1]} for {len(self.names)} classes"
            )

    def _check_labels(self) -> None:
        """Refuse class numbers that have no name."""
        wrong = np.flatnonzero((self.labels < 0) | (self.labels >= len(self.names)))
        if wrong.size:
            entry = int(wrong[0])
            raise DataError(
                self.origin,
                0,
                f"label {self.labels[entry]} of image {entry} is not in 0..{len(self.names) - 1}"
                f" ({wrong.size} such labels)",
            )

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.images)

    def sample(self, index: int, channels: int) -> tuple[Image, Truth]:
        """Read one photo and its truth; see `Dataset.sample`."""
        pixels = self.images[index]
        if pixels.shape[0] != channels:
            raise DataError(
                self.origin,
                0,
                f"the images have {_channels(pixels.shape[0])}, the network takes"
                f" {_channels(channels)}",
            )
        image = pixels.astype(np.float32)
        if pixels.dtype == np.uint8:
            image /= np.float32(255)
        if self.labels.ndim == 1:
            return image, one_hot(int(self.labels[index]), len(self.names))
        return image, self.labels[index].astype(np.float32)

    def describe(self, index: int) -> str:
        """Describe photo `index` by its number and origin."""
        return f"image {index} of {self.origin}"


def _channels(number: int) -> str:
    """Count channels in words."""
    return "1 channel" if number == 1 else f"{number} channels"


@dataclass(frozen=True)
class TrainingData:
    """The content of a source of data: photos to train with, and perhaps held-back photos.

    Attributes
    ----------
    train : Dataset
    valid : Dataset or None
    names : list of str
        One name a class, the same for both.
    backup : str or None
        The folder for weights that a Darknet .data file names; None for all other forms.
    top : int
        The k of the second accuracy, after top-1.
    """

    train: Dataset
    valid: Dataset | None
    names: list[str]
    backup: str | None = None
    top: int = 5
