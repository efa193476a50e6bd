"""Contenders: the programs that are compared; one file each, imported in its own process only."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["INFERENCE", "TRAINING", "Contender", "Kind", "is_installed", "make"]

#: Keeps PyTorch's freed activations in the process: no fresh, zeroed pages at every step.
MALLOC_TUNED = {
    "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4294967296"
    ":glibc.malloc.trim_threshold=16000000000:glibc.malloc.top_pad=268435456"
}


class Contender(Protocol):
    """A network that is loaded, on an input that is loaded."""

    def run(self) -> object:
        """What is timed: one prediction of the batch, or one training step."""

    def answer(self) -> npt.NDArray[np.float32]:
        """What is compared: the prediction, or the losses of the first steps."""


@dataclass(frozen=True)
class Kind:
    """How a name of the tables is run: module of this folder, its mode, what must be installed."""

    module: str
    mode: str = ""
    package: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        """Whether the package can be imported."""
        return not self.package or is_installed(self.package)


INFERENCE = {
    "darkpy": Kind("darkpy_engine"),
    "darkpy bf16": Kind("darkpy_engine", "bf16"),
    "PyTorch eager": Kind("pytorch", "eager", "torch"),
    "PyTorch channels_last": Kind("pytorch", "channels_last", "torch"),
    "PyTorch compile": Kind("pytorch", "compile", "torch"),
    "PyTorch compile, frozen": Kind("pytorch", "frozen", "torch"),
    "PyTorch script, frozen": Kind("pytorch", "script", "torch"),
    "ONNX Runtime": Kind("onnx_runtime", package="onnxruntime"),
    "OpenVINO f32": Kind("open_vino", "f32", "openvino"),
    "OpenVINO default": Kind("open_vino", "default", "openvino"),
    "ncnn": Kind("ncnn_net", package="ncnn"),
    "OpenCV": Kind("opencv_dnn", package="cv2"),
    "Darknet": Kind("darknet_library"),
}

TRAINING = {
    "darkpy": Kind("darkpy_engine"),
    "PyTorch eager": Kind("pytorch", "eager", "torch"),
    "PyTorch channels_last": Kind("pytorch", "channels_last", "torch"),
    "PyTorch compile": Kind("pytorch", "compile", "torch"),
    "PyTorch channels_last, malloc tuned": Kind("pytorch", "channels_last", "torch", MALLOC_TUNED),
    "Darknet": Kind("darknet_library"),
}


def is_installed(package: str) -> bool:
    """Whether a package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def make(task: Mapping[str, Any]) -> Contender:
    """Load the contender of a task: the class ``task["job"]`` of ``task["module"]``."""
    module = importlib.import_module(f"contenders.{task['module']}")
    contender: Contender = getattr(module, task["job"])(task)
    return contender
