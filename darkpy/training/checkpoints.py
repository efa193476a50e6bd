"""Checkpoints: the files of a training, in one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from darkpy.data.names import write_names
from darkpy.errors import DataError, TrainingError, WeightsError
from darkpy.files import not_written
from darkpy.training.history import History
from darkpy.training.interface import Network

__all__ = ["Checkpoints", "momentum_of"]


def momentum_of(weights: str | os.PathLike[str]) -> Path:
    """Return the file with the momentum that belongs to a weights file."""
    return Path(weights).with_suffix(".momentum")


@contextmanager
def _training_error(path: Path) -> Iterator[None]:
    """Raise what goes wrong while `path` is written as a TrainingError."""
    try:
        yield
    except (DataError, WeightsError) as error:
        raise TrainingError(f"{error.path}: {error.message}") from error
    except OSError as error:
        raise TrainingError(f"{path}: {not_written(error)}") from error


class Checkpoints:
    """The files of one training, in one folder.

    ==========================  ==================================================
    ``NAME_last.weights``       after each epoch, and when training is interrupted
    ``NAME_best.weights``       the epoch that named most held-back photos correctly
    ``NAME_final.weights``      when training is complete
    ``NAME_last.momentum``      with ``NAME_last.weights``: update buffers, or Adam's moments
    ``NAME_history.csv``        after each epoch: what was measured so far
    ``NAME.names``              at the start: the classes
    ==========================  ==================================================

    Each of them is the old file or the new one, whole, whatever happens meanwhile. Training that
    goes on from ``NAME_last.weights`` finds the momentum beside it, and arrives at the same weights
    as if it had not stopped. Methods that write raise TrainingError where that fails.
    """

    def __init__(self, folder: str | os.PathLike[str], name: str) -> None:
        self.folder = Path(folder)
        self.name = name
        self.saved: Path | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(
                f"{folder}: cannot make this folder for the weights: {error.strerror}"
            ) from error

    def path(self, kind: str, suffix: str = "weights") -> Path:
        """Return where a file of this training belongs."""
        return self.folder / f"{self.name}_{kind}.{suffix}"

    def save(self, net: Network, kind: str) -> Path:
        """Write the network's weights as ``NAME_kind.weights``; for "last" the momentum, too."""
        path = self.path(kind)
        if kind == "last":  # first: weights without their momentum are noticed, by `seen`
            with _training_error(momentum_of(path)):
                net.save_momentum(momentum_of(path))
        with _training_error(path):
            net.save_weights(path)
        self.saved = path
        return path

    def save_history(self, history: History) -> None:
        """Write ``NAME_history.csv``."""
        history.write_csv(self.path("history", "csv"))

    def save_names(self, names: Sequence[str]) -> None:
        """Write ``NAME.names``."""
        path = self.folder / f"{self.name}.names"
        with _training_error(path):
            write_names(path, names)
