"""Files for the contenders: one network and one input, in the format of each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

import darkpy
from darkpy.network.graph import needed
from darkpy.network.network import Network
from harness.cfg_text import rewritten
from harness.description import arrays, describe
from harness.rounds import say

__all__ = ["Material"]

#: Keys that pjreddie's program does not know.
NOT_DARKNET = ("loss_weight",)


class Material:
    """A network's files in a folder.

    Parameters
    ----------
    cfg : str
        A .cfg file or a packaged network's name.
    weights : str, optional
        A .weights file; without it weights are random, and batch norm's statistics such as training
        leaves them.
    folder : Path
        Where the files are written.
    spread : bool
        Scale random weights such that probabilities differ; training would diverge from them.
    """

    def __init__(self, cfg: str, weights: str | None, folder: Path, *, spread: bool = True) -> None:
        self.folder = folder
        self.net = darkpy.load(cfg, weights)
        if weights is None:
            _settle(self.net)
            if spread:
                _spread_answer(self.net)
        self.name = Path(cfg).name.removesuffix(".cfg")
        self.weights = str(folder / "net.weights")
        self.net.save_weights(self.weights)

    def flops(self) -> int:
        """Floating-point operations of one image's prediction, convolutions counted as direct."""
        running = needed(self.net.layers, [self.net.answers[-1].index])
        return 2 * sum(self.net.layers[index].multiply_adds() for index in running)

    def path(self, name: str) -> Path:
        """A file of the folder."""
        return self.folder / name

    @cache  # noqa: B019 - lives as long as the benchmark
    def cfg(self) -> str:
        """The network's cfg as it is."""
        path = self.path("net.cfg")
        shutil.copyfile(self.net.path, path)
        return str(path)

    @cache  # noqa: B019
    def input(self, batch: int) -> str:
        """Photos' worth of noise in 0..1, (batch, C, H, W)."""
        path = self.path(f"input-{batch}.npy")
        shape = self.net.input_shape.array_shape(batch)
        np.save(path, np.random.default_rng(batch).random(shape, np.float32))
        return str(path)

    @cache  # noqa: B019
    def onnx(self, batch: int) -> str | None:
        """The exported file for this batch size; None without the package onnx."""
        from darkpy.errors import DarkpyError
        from darkpy.export.model import export_onnx

        path = self.path(f"net-{batch}.onnx")
        try:
            export_onnx(self.net, path, batch=batch)
        except DarkpyError as error:
            say("no ONNX file:", error)
            return None
        return str(path)

    @cache  # noqa: B019
    def ncnn(self) -> str | None:
        """Stem of the .param and .bin files that pnnx makes; None without it."""
        onnx = self.onnx(1)
        converter = shutil.which("pnnx") or shutil.which(
            "pnnx", path=str(Path(sys.executable).parent)
        )
        if onnx is None or converter is None:
            return None
        sizes = ",".join(map(str, self.net.input_shape.array_shape(1)))
        source = self.path("ncnn.onnx")
        shutil.copyfile(onnx, source)
        subprocess.run(
            [converter, source.name, f"inputshape=[{sizes}]", "fp16=0"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        stem = str(self.path("ncnn.ncnn"))
        return stem if Path(f"{stem}.param").exists() else None

    @cache  # noqa: B019
    def description(self) -> str:
        """Stem of a .json and an .npz file that hold the whole network."""
        stem = self.path("description")
        Path(f"{stem}.json").write_text(json.dumps(describe(self.net)))
        np.savez(f"{stem}.npz", **arrays(self.net))
        return str(stem)

    @cache  # noqa: B019
    def darknet(self, batch: int) -> tuple[str, str]:
        """A cfg and weights of what the answer depends on, as pjreddie's Darknet reads them."""
        keep = needed(self.net.layers, [self.net.answers[-1].index])
        text = rewritten(
            self.net,
            keep,
            changes={"net": {"batch": batch, "subdivisions": 1}},
            without=NOT_DARKNET,
        )
        cfg, weights = self.path(f"darknet-{batch}.cfg"), self.path("darknet.weights")
        cfg.write_text(text)
        part = darkpy.load(cfg, dialect=self.net.dialect.name)
        for layer, index in zip(part.layers, keep, strict=True):
            for name, parameter in layer.parameters.items():
                parameter.assign(self.net.layers[index].parameters[name].value)
        part.save_weights(weights, version=(0, 2, 0))
        return str(cfg), str(weights)

    def training(self, batch: int, steps: int, dropout: bool) -> Material:
        """The same network, to train on `batch` images a step at a constant rate; with its data."""
        changes: dict[str, dict[str, object]] = {
            "net": {"batch": batch, "subdivisions": 1, "policy": "constant", "burn_in": 0}
        }
        if not dropout:
            changes["dropout"] = {"probability": 0}
        folder = self.path(f"training-{batch}")
        folder.mkdir()
        cfg = folder / f"{self.name}.cfg"
        cfg.write_text(rewritten(self.net, changes=changes))
        prepared = Material(str(cfg), self.weights, folder)
        rng = np.random.default_rng(batch)
        shape = self.net.input_shape.array_shape(batch)
        truth = np.zeros((steps, batch, prepared.net.truths), np.float32)
        classes = rng.integers(prepared.net.truths, size=(steps, batch))
        np.put_along_axis(truth, classes[..., None], 1.0, axis=2)
        np.savez(folder / "data.npz", x=rng.random((steps, *shape), np.float32), truth=truth)
        return prepared


def _settle(net: Network) -> None:
    """Give batch norm statistics such as training leaves them: means near 0, variances near 1."""
    rng = np.random.default_rng(1)

    def drawn(shape: tuple[int, ...], low: float, high: float) -> npt.NDArray[np.float32]:
        return rng.uniform(low, high, shape).astype(np.float32)

    for layer in net.layers:
        p = layer.parameters
        if "rolling_variance" in p:
            p["rolling_variance"].assign(drawn(p["rolling_variance"].shape, 0.5, 1.5))
            p["rolling_mean"].assign(drawn(p["rolling_mean"].shape, -0.1, 0.1))


def _spread_answer(net: Network) -> None:
    """Scale the last filters such that a softmax's inputs spread by 1.

    Else random weights give probabilities that are all alike, or a single 1, and hide differences.
    """
    index = net.answers[-1].index
    if net.answers[-1].kind != "softmax":
        return
    while not net.layers[index].parameters:
        index = net.layers[index].sources[0]
    x = np.random.default_rng(2).random(net.input_shape.array_shape(1), np.float32)
    inputs = net.activations(x)[net.answers[-1].sources[0]]
    spread = float(inputs.std())
    if 0 < spread < float("inf"):
        layer = net.layers[index]
        name = "scales" if "scales" in layer.parameters else "weights"
        parameter = layer.parameters[name]
        parameter.assign(parameter.value / np.float32(spread))
