"""Checkpoints: the weights files of a training, and the state of its optimiser beside the last."""

from __future__ import annotations

import os
from pathlib import Path

from darkpy.errors import TrainingError
from darkpy.training.interface import Network

__all__ = ["Checkpoints", "momentum_of"]


def momentum_of(weights: str | os.PathLike[str]) -> Path:
    """Return the file with the momentum that belongs to a weights file."""
    return Path(weights).with_suffix(".momentum")


class Checkpoints:
    """The weights files of one training, in one folder.

    ==========================  ==================================================
    ``NAME_last.weights``       after each epoch, and when training is interrupted
    ``NAME_best.weights``       the epoch that named most held-back photos correctly
    ``NAME_final.weights``      when training is complete
    ``NAME_last.momentum``      with ``NAME_last.weights``: update buffers, or Adam's moments
    ==========================  ==================================================

    Training that goes on from ``NAME_last.weights`` finds the momentum beside it, and arrives at
    the same weights as if it had not stopped.
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
        """Write the network's weights as ``NAME_kind.weights``; for "last" the momentum, too.

        Raises
        ------
        WeightsError
            A file cannot be written; an older one of that name is untouched.
        """
        path = self.path(kind)
        if kind == "last":  # first: weights without their momentum are noticed, by `seen`
            net.save_momentum(momentum_of(path))
        net.save_weights(path)
        self.saved = path
        return path
