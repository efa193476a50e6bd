"""OpenVINO on the exported file: in float32 on request, else in the precision that it chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino

__all__ = ["Inference"]


class Inference:
    """A compiled model on the CPU device, tuned for latency."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        core = openvino.Core()
        config: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": task["threads"],
            "PERFORMANCE_HINT": "LATENCY",
        }
        if task["mode"] == "f32":
            config["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = core.compile_model(core.read_model(task["onnx"]), "CPU", config)
        self.request = compiled.create_infer_request()
        self.x = np.load(task["input"])

    def run(self) -> npt.NDArray[np.float32]:
        """Predict."""
        result = self.request.infer({"input": self.x}, share_inputs=True)
        output: npt.NDArray[np.float32] = result["output"]
        return output

    def answer(self) -> npt.NDArray[np.float32]:
        """The prediction, copied out of the request's memory."""
        return np.array(self.run(), np.float32)
