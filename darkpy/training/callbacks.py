"""Callbacks: watch a training, and steer it, while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from darkpy.training.history import EpochRecord, History
from darkpy.training.interface import Network

__all__ = ["Callback", "Run", "Update"]


@dataclass
class Run:
    """A training in progress.

    Attributes
    ----------
    net : Network
    history : History
        Filled as it goes.
    epochs : float
        Epochs this training will take.
    updates : int
        Updates this training will take.
    images_per_update : int
    stop : bool
        A callback may set it: training ends after the current update, as if interrupted.
    """

    net: Network
    history: History
    epochs: float
    updates: int
    images_per_update: int
    stop: bool = False


@dataclass(frozen=True)
class Update:
    """One update.

    Attributes
    ----------
    number : int
        1 is the first of this training.
    loss : float
        Mean cost of an image.
    average : float
        The running average: .9 of the one before and .1 of `loss`, as Darknet prints it.
    learning_rate : float
    """

    number: int
    loss: float
    average: float
    learning_rate: float


class Callback:
    """Base of callbacks: override what is of interest.  An exception ends the training."""

    def on_start(self, run: Run) -> None:
        """See the training before anything has been learned."""

    def on_update(self, run: Run, update: Update) -> None:
        """See the network after its weights were updated."""

    def on_epoch(self, run: Run, record: EpochRecord) -> None:
        """See the network after all photos were seen once more; the checkpoint is written."""

    def on_end(self, run: Run) -> None:
        """Clean up: training is over, also after an error."""
