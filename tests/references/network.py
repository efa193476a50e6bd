"""`ReferenceNetwork`: a Darknet .cfg run and trained in float64, for comparison only."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np

from . import heads, movers, neurons
from .layers import REGISTRY
from .schedule import adam_update, learning_rate, sgd_update

__all__ = ["ReferenceNetwork", "heads", "movers", "neurons", "read_cfg"]


def read_cfg(cfg):
    """[(section name, {key: text})] of a cfg's text or path; the first of two equal keys wins."""
    text = str(cfg)
    if "[" not in text:
        text = Path(cfg).read_text(encoding="utf-8")
    sections = []
    for line in text.splitlines():
        line = re.sub(r"\s|[#;].*", "", line)
        if line.startswith("["):
            sections.append((line[1:-1], {}))
        elif line:
            key, value = line.split("=", 1)
            sections[-1][1].setdefault(key, value)
    return sections


class ReferenceNetwork:
    """Darknet's network in float64 NumPy, right where Darknet is broken.

    Parameters
    ----------
    cfg : text of a .cfg or the path of one.
    dialect : "pjreddie" or "alexeyab".
    seed : of the initial weights, and of the masks where no function is passed.
    batchnorm : "pjreddie", "alexeyab" or "cudnn"; the dialect's by default.
    dropout_keep : function (layer index, shape, probability) -> True where a value is kept.
    crop_place : function (layer index, spare rows, spare columns, may_flip) -> (top, left, flip).

    Attributes
    ----------
    layers : one per section after [net], each with `output`, `delta` (minus the loss gradient of
        its output, all users summed), `delta_after` (what Darknet's array holds after the layer's
        own backward: through activation and batch norm; None where the layer changes nothing),
        `parameters` and `updates` (name -> array; a parameter is changed by assigning to it).
    """

    def __init__(
        self,
        cfg,
        dialect="pjreddie",
        seed=0,
        batchnorm=None,
        dropout_keep=None,
        crop_place=None,
    ):
        (name, self.options), *sections = read_cfg(cfg)
        if name not in ("net", "network"):
            raise ValueError("the first section must be [net]")
        self.dialect, self.batchnorm = dialect, batchnorm or dialect
        self.rng = np.random.default_rng(seed)
        self.dropout_keep = dropout_keep or self._random_keep
        self.crop_place = crop_place or self._random_place
        self.subdivisions = self._int("subdivisions", 1)
        self.batch = self._int("batch", 1) // self.subdivisions
        self.shape = (self._int("channels"), self._int("height"), self._int("width"))
        self.takes_images = 0 not in self.shape
        if not self.takes_images:
            self.shape = (self._int("inputs"), 1, 1)
        self.seen, self.truth, self.layers = 0, None, []
        self.header = (0, 2, 5 if dialect == "alexeyab" else 0)
        shape = self.shape
        for index, (section, options) in enumerate(sections):
            layer = REGISTRY[section](self, index, {**options, "section": section}, shape)
            self.layers.append(layer)
            shape = layer.shape

    def _int(self, key, default=0) -> int:
        return int(float(self.options.get(key, default)))

    def _random_keep(self, index, shape, probability):
        return self.rng.random(shape) >= probability

    def _random_place(self, index, rows, columns, may_flip):
        flip = bool(may_flip and self.rng.integers(2))
        return int(self.rng.integers(rows + 1)), int(self.rng.integers(columns + 1)), flip

    # Weights files

    def load_weights(self, data: bytes):
        """Read a .weights file's bytes; the length must be exact."""
        major, minor, revision = struct.unpack_from("<3i", data)
        wide = major * 10 + minor >= 2 and (
            self.dialect == "alexeyab" or (major < 1000 and minor < 1000)
        )
        transposed = major > 1000 or minor > 1000
        (self.seen,) = struct.unpack_from("<Q" if wide else "<i", data, 12)
        self.header = (major, minor, revision)
        values = np.frombuffer(data, "<f4", offset=20 if wide else 16).astype(np.float64)
        for layer, name in self._file_order():
            target = layer.parameters[name]
            part, values = values[: target.size], values[target.size :]
            if name == "weights":
                columns = int(np.prod(target.shape[1:]))
                if layer.int("flipped") or (transposed and not layer.is_image):
                    part = part.reshape(columns, len(target)).T
            layer.parameters[name] = part.reshape(target.shape).copy()
        if values.size:
            raise ValueError(f"{values.size} floats too many")

    def _file_order(self):
        for layer in self.layers:
            if layer.int("dontload"):
                continue
            skip = ("scales", "rolling_mean", "rolling_variance")
            for name in layer.file_order():
                if not (layer.int("dontloadscales") and name in skip):
                    yield layer, name

    def weights_bytes(self) -> bytes:
        """The .weights file of the current parameters."""
        major, minor, revision = self.header if self.header[0] < 1000 else (0, 2, 0)
        wide = major * 10 + minor >= 2
        head = struct.pack("<3i" + ("Q" if wide else "i"), major, minor, revision, self.seen)
        body = [
            layer.parameters[name].astype("<f4").tobytes()
            for layer in self.layers
            if not layer.int("dontsave")
            for name in layer.file_order()
        ]
        return head + b"".join(body)

    # Running

    def forward(self, x, train=False, truth=None):
        """Outputs per section after [net]: (N, c, h, w), or (N, n) where it is no image."""
        x = np.asarray(x, np.float64).reshape(len(x), *self.shape)
        self.truth = None if truth is None else np.asarray(truth, np.float64)
        for layer in self.layers:
            layer.delta = np.zeros((len(x), *layer.shape))
            layer.delta_after, layer.cost = None, None
            x = layer.output = layer.forward(x, train)
        return [
            layer.output if layer.is_image else layer.output.reshape(len(x), -1)
            for layer in self.layers
        ]

    def cost(self) -> float:
        """Mean over the layers with a cost; their sum if any layer has loss_weight."""
        costs = [layer.cost for layer in self.layers if layer.cost is not None]
        weighted = any("loss_weight" in layer.options for layer in self.layers)
        return sum(costs) / (1 if weighted or not costs else len(costs))

    def backward(self):
        """Send every delta back; `input_delta` is what reaches the network's input."""
        self.input_delta = None
        for layer in reversed(self.layers):
            if self._stops(layer.int("stopbackward")):
                break
            if layer.int("onlyforward") and self.dialect == "alexeyab":
                continue
            delta = layer.backward(layer.delta)
            if delta is None:
                continue
            if layer.index:
                self.layers[layer.index - 1].delta += delta
            else:
                self.input_delta = delta

    def _stops(self, value: int) -> bool:
        if self.dialect == "alexeyab" and value > 1:
            return self.updates_done() < value
        return value != 0

    def _frozen(self):
        """alexeyab: stopbackward=1 freezes the layers before it."""
        stops = [layer.index for layer in self.layers if layer.int("stopbackward") == 1]
        return max(stops) if stops and self.dialect == "alexeyab" else 0

    def updates_done(self) -> int:
        """Darknet's batch number t."""
        return self.seen // (self.batch * self.subdivisions)

    def rate(self) -> float:
        """The learning rate of the moment."""
        return learning_rate(self.options, self.updates_done(), self.dialect, self.rng)

    def train_step(self, x, truth) -> float:
        """One mini-batch (batch/subdivisions images); the last of an update changes the weights."""
        if len(x) != self.batch:
            raise ValueError(f"a mini-batch is {self.batch} images")
        self.seen += self.batch
        self.forward(x, True, truth)
        cost = self.cost()
        self.backward()
        if self.seen // self.batch % self.subdivisions == 0:
            self.update()
        return cost

    def update(self):
        """Apply and decay the update buffers of every layer."""
        rate, count = self.rate(), self.batch * self.subdivisions
        momentum = float(self.options.get("momentum", 0.9))
        decay = float(self.options.get("decay", 0.0001))
        for layer in self.layers[self._frozen() :]:
            for name, update in layer.updates.items():
                parameter = layer.parameters[name]
                eta = rate * layer.float("learning_rate", 1)
                if name == "biases":
                    eta *= layer.float("bias_learning_rate", 1)
                if self._int("adam"):
                    parameter = self._adam(layer, name, parameter, update, eta, count, decay)
                    update = np.zeros_like(update)
                else:
                    lost = decay if name == "weights" else 0.0
                    parameter, update = sgd_update(parameter, update, eta, count, momentum, lost)
                layer.parameters[name], layer.updates[name] = parameter, update

    def _adam(self, layer, name, parameter, update, eta, count, decay):
        mean, variance = layer.moments.get(name, (np.zeros_like(update), np.zeros_like(update)))
        b1, b2 = float(self.options.get("B1", 0.9)), float(self.options.get("B2", 0.999))
        eps = float(self.options.get("eps", 1e-6 if self.dialect == "alexeyab" else 1e-7))
        parameter, mean, variance = adam_update(
            parameter, update, mean, variance, eta, count, decay, self.updates_done(), b1, b2, eps
        )
        layer.moments[name] = (mean, variance)
        return parameter
