"""OpenCV's DNN module on the exported file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Inference"]


class Inference:
    """Its own backend on the CPU."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        cv2.setNumThreads(task["threads"])
        self.net = cv2.dnn.readNetFromONNX(task["onnx"])
        self.x = np.load(task["input"])

    def run(self) -> npt.NDArray[np.float32]:
        """Predict."""
        self.net.setInput(self.x, "input")
        output: npt.NDArray[np.float32] = self.net.forward("output")
        return output

    def answer(self) -> npt.NDArray[np.float32]:
        """The prediction, copied out of the network's memory."""
        return np.array(self.run()).reshape(len(self.x), -1)
