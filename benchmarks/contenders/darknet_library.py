"""pjreddie's Darknet through its shared library (the variable DARKNET_LIB, or --darknet PATH)."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Inference", "Training"]

FloatPointer = ctypes.POINTER(ctypes.c_float)


class _Matrix(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_int),
        ("cols", ctypes.c_int),
        ("vals", ctypes.POINTER(FloatPointer)),
    )


class _Data(ctypes.Structure):
    _fields_ = (
        ("w", ctypes.c_int),
        ("h", ctypes.c_int),
        ("X", _Matrix),
        ("y", _Matrix),
        ("shallow", ctypes.c_int),
        ("num_boxes", ctypes.c_void_p),
        ("boxes", ctypes.c_void_p),
    )


def _pointer(array: npt.NDArray[np.float32]) -> Any:
    return array.ctypes.data_as(FloatPointer)


def _matrix(rows: npt.NDArray[np.float32]) -> _Matrix:
    pointers = (FloatPointer * len(rows))(*[_pointer(row) for row in rows])
    return _Matrix(len(rows), rows[0].size, pointers)


class _Darknet:
    """The library and one network in it."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        if not task["library"]:
            raise RuntimeError("set DARKNET_LIB or give --darknet PATH")
        self.lib = ctypes.CDLL(task["library"])
        self.lib.load_network.restype = ctypes.c_void_p
        self.lib.load_network.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int)
        self.net = self.lib.load_network(
            task["darknet_cfg"].encode(), task["darknet_weights"].encode(), 0
        )


class Inference(_Darknet):
    """network_predict on the whole batch."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        super().__init__(task)
        self.lib.network_predict.restype = FloatPointer
        self.lib.network_predict.argtypes = (ctypes.c_void_p, FloatPointer)
        self.x = np.load(task["input"])
        self.outputs = task["outputs"]

    def run(self) -> Any:
        """Predict."""
        return self.lib.network_predict(self.net, _pointer(self.x))

    def answer(self) -> npt.NDArray[np.float32]:
        """The prediction, copied out of the library's memory."""
        return np.ctypeslib.as_array(self.run(), (len(self.x), self.outputs)).copy()


class Training(_Darknet):
    """train_network on one batch at a time."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        super().__init__(task)
        self.lib.train_network.restype = ctypes.c_float
        self.lib.train_network.argtypes = (ctypes.c_void_p, _Data)
        data = np.load(task["data"])
        self.arrays = list(zip(data["x"], data["truth"], strict=True))  # C reads them: keep alive
        height, width = data["x"].shape[-2:]
        self.batches = [
            _Data(width, height, _matrix(x), _matrix(truth)) for x, truth in self.arrays
        ]
        self.step = 0
        self.losses = np.array([self.run() for _ in self.batches], np.float32)

    def run(self) -> float:
        """One step on the next batch; the loss per image."""
        batch = self.batches[self.step % len(self.batches)]
        self.step += 1
        loss: float = self.lib.train_network(self.net, batch)
        return loss

    def answer(self) -> npt.NDArray[np.float32]:
        """Losses of the first steps."""
        return self.losses
