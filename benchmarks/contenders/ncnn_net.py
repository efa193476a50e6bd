"""ncnn on the exported file, converted by its pnnx; it runs one image at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ncnn
import numpy as np
import numpy.typing as npt

__all__ = ["Inference"]


class Inference:
    """float32 throughout: half precision storage and arithmetic are off."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        if not task["ncnn"]:
            raise RuntimeError("pnnx is not installed or could not convert the network")
        self.net = ncnn.Net()
        options = self.net.opt
        options.num_threads = task["threads"]
        for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
            setattr(options, f"use_{name}", False)
        if self.net.load_param(f"{task['ncnn']}.param") or self.net.load_model(
            f"{task['ncnn']}.bin"
        ):
            raise RuntimeError("ncnn cannot read what pnnx wrote")
        self.x = np.load(task["input"])

    def run(self) -> npt.NDArray[np.float32]:
        """Predict image by image."""
        return np.stack([self._one(image) for image in self.x])

    answer = run

    def _one(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        extractor = self.net.create_extractor()
        extractor.input("in0", ncnn.Mat(image))
        status, output = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn ended with status {status}")
        return np.array(output).reshape(-1)
