"""darkpy as a contender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import darkpy

__all__ = ["Inference", "Training"]


class Inference:
    """The network's last answer; the mode is the precision, fp32 by default."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        darkpy.set_num_threads(task["threads"])
        precision = task.get("mode") or "fp32"
        self.net = darkpy.load(task["cfg"], task["weights"], precision=precision)
        self.x = np.load(task["input"])

    def run(self) -> npt.NDArray[np.float32]:
        """Predict."""
        index = self.net.answers[-1].index  # a detector's last head, as all contenders run it
        return self.net.outputs_of(self.x, (index,))[index].reshape(len(self.x), -1)

    answer = run


class Training:
    """``net.train_step``."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        darkpy.set_num_threads(task["threads"])
        self.net = darkpy.load(task["cfg"], task["weights"])
        data = np.load(task["data"])
        self.batches = list(zip(data["x"], data["truth"], strict=True))
        self.step = 0
        self.losses = np.array([self.run() for _ in self.batches], np.float32)

    def run(self) -> float:
        """One step on the next batch; the loss per image."""
        x, truth = self.batches[self.step % len(self.batches)]
        self.step += 1
        return self.net.train_step(x, truth) / len(x)

    def answer(self) -> npt.NDArray[np.float32]:
        """Losses of the first steps."""
        return self.losses
