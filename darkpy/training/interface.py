"""What the trainer asks of a network: the part of `darkpy.network.Network` that it uses."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Network", "Predictor"]

Array = npt.NDArray[np.float32]


class Predictor(Protocol):
    """A network that can be run."""

    @property
    def channels(self) -> int:
        """Channels of the input."""

    @property
    def height(self) -> int:
        """Rows of the input, pixels."""

    @property
    def width(self) -> int:
        """Columns of the input, pixels."""

    def predict(self, x: Array) -> Array:
        """(N, C, H, W) -> (N, outputs)."""


class Network(Predictor, Protocol):
    """A network that can be trained."""

    seen: int
    """Images that took part in its training so far."""

    @property
    def name(self) -> str:
        """The cfg's name without folder and suffix."""

    @property
    def options(self) -> Any:
        """The checked [net] section."""

    @property
    def mini_batch(self) -> int:
        """Images a `train_step` takes."""

    @property
    def truths(self) -> int:
        """Truth values an image."""

    @property
    def update_count(self) -> int:
        """Updates done."""

    @property
    def learning_rate(self) -> float:
        """Of the next update."""

    def prepare_training(self) -> None:
        """Take the memory for training, or raise TrainingError."""

    def train_step(self, x: Array, truth: Array) -> float:
        """Run forward, backward, and the update when it is due; return the cost of the images."""

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write a .weights file, whole or not at all."""

    def save_momentum(self, path: str | os.PathLike[str]) -> None:
        """Write what updates need besides the weights, whole or not at all."""
