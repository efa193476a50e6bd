"""A network small enough to test the loop around it: softmax regression in NumPy, by hand."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np

from darkpy.errors import TrainingError

OPTIONS = {
    **dict.fromkeys(("max_crop", "min_crop", "max_ratio", "min_ratio"), 0),
    **dict.fromkeys(("angle", "hue"), 0.0),
    **dict.fromkeys(("aspect", "saturation", "exposure"), 1.0),
    "flip": True,
    "flip_alternately": False,
    "translate": 0,
    "cutout": 0,
    "label_smooth_eps": 0.0,
}


class FakeOptions(types.SimpleNamespace):
    """The part of [net] that the trainer reads; `written` are the keys that the cfg has."""

    written: tuple[str, ...] = ()

    def given(self, name):
        return name in self.written

    def __getitem__(self, name):
        return getattr(self, name)


class FakeNetwork:
    """Has the public names of darkpy's Network that training uses."""

    name = "tiny"
    answers = ("softmax",)

    def __init__(
        self, shape=(1, 4, 4), classes=3, batch=8, subdivisions=2, max_batches=0, rate=0.5
    ):
        self.channels, self.height, self.width = shape
        self.outputs = self.truths = classes
        self.options = FakeOptions(
            **OPTIONS, batch=batch, subdivisions=subdivisions, max_batches=max_batches
        )
        self.mini_batch = batch // subdivisions
        self.learning_rate = rate
        self.seen = 0
        self.weights = np.zeros((int(np.prod(shape)), classes), np.float32)
        self.gradient = np.zeros_like(self.weights)
        self.steps = []  # the inputs of every train_step
        self.fail_at = None  # (step, cost to return or error to raise)
        self.too_large = False

    @property
    def update_count(self):
        return self.seen // self.options.batch

    def predict(self, x):
        scores = x.reshape(len(x), -1) @ self.weights
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def prepare_training(self):
        if self.too_large:
            raise TrainingError("too large")

    def train_step(self, x, truth):
        assert x.shape == (self.mini_batch, self.channels, self.height, self.width)
        assert truth.shape == (self.mini_batch, self.truths)
        self.steps.append(x.copy())
        if self.fail_at is not None and len(self.steps) == self.fail_at[0]:
            if isinstance(self.fail_at[1], Exception):
                raise self.fail_at[1]
            return self.fail_at[1]
        outputs = self.predict(x)
        self.gradient += x.reshape(len(x), -1).T @ (truth - outputs)
        self.seen += self.mini_batch
        if self.seen % self.options.batch == 0:
            self.weights += self.learning_rate / self.options.batch * self.gradient
            self.gradient[:] = 0
        return float(-(truth * np.log(outputs)).sum())

    def save_weights(self, path):
        Path(path).write_bytes(np.int64(self.seen).tobytes() + self.weights.tobytes())

    def save_momentum(self, path):
        Path(path).write_bytes(np.int64(self.seen).tobytes())

    def load_weights(self, path):
        data = Path(path).read_bytes()
        self.seen = int(np.frombuffer(data[:8], np.int64)[0])
        self.weights = np.frombuffer(data[8:], np.float32).reshape(self.weights.shape).copy()

    def summary(self, images=None):
        return "one layer" if images is None else f"one layer, {images} images"


def stripes(rng, n, classes=3):
    """Photos of 4x4 whose bright row tells the class: (x uint8, labels)."""
    labels = np.arange(n) % classes
    x = rng.integers(0, 60, (n, 4, 4), dtype=np.uint8)
    x[np.arange(n), labels] += 150
    return x, labels
