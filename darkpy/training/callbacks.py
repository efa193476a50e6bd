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
        Filled while the training runs.
    epochs : float
        Length of this training in epochs.
    updates : int
        Length of this training in updates.
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
        Number of the update in this training, from 1.
    loss : float
        Mean cost of an image.
    average : float
        Running average of the loss: .9 times the previous one plus .1 times `loss`, as in Darknet.
    learning_rate : float
    """

    number: int
    loss: float
    average: float
    learning_rate: float


class Callback:
    """Base of callbacks; override the methods of interest.  An exception ends the training."""

    def on_start(self, run: Run) -> None:
        """Run before the first update."""

    def on_update(self, run: Run, update: Update) -> None:
        """Run after each update of the weights."""

    def on_epoch(self, run: Run, record: EpochRecord) -> None:
        """Run after each epoch, when its checkpoint has been written."""

    def on_end(self, run: Run) -> None:
        """Clean up after the training, also after an error."""
