"""A PyTorch module built from a network's description, with the same weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["DarkNetwork", "read"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky": lambda: nn.LeakyReLU(0.1, inplace=True),
    "logistic": nn.Sigmoid,
    "relu6": lambda: nn.ReLU6(inplace=True),
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "swish": lambda: nn.SiLU(inplace=True),
    "mish": lambda: nn.Mish(inplace=True),
}


def read(stem: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Description and parameters as harness/material.py wrote them."""
    with open(f"{stem}.json") as file:
        return json.load(file), np.load(f"{stem}.npz")


class DarkNetwork(nn.Module):
    """The layers that `wanted` depend on; forward returns the outputs of `wanted`.

    Parameters
    ----------
    description, arrays
        As `read` gives them.
    wanted : iterable of int
        Layers, in the order of the results.
    """

    def __init__(
        self, description: Mapping[str, Any], arrays: Mapping[str, Any], wanted: Iterable[int]
    ) -> None:
        super().__init__()
        self.wanted = list(wanted)
        self.facts = description["layers"]
        self.order = self._needed()
        self.blocks = nn.ModuleDict({str(i): _block(i, self.facts[i], arrays) for i in self.order})
        # After its last reader an output is let go, so that inference holds no more than it must.
        last = {source: i for i in self.order for source in self.facts[i]["sources"]}
        self.finished = {
            i: [s for s, reader in last.items() if reader == i and s not in self.wanted]
            for i in self.order
        }

    def forward(self, x: Tensor) -> list[Tensor]:
        """Run the needed layers in order."""
        outputs = {-1: x}
        del x
        for i in self.order:
            inputs = [outputs[source] for source in self.facts[i]["sources"]]
            y = self.blocks[str(i)](*inputs)
            del inputs
            for source in self.finished[i]:
                del outputs[source]
            outputs[i] = y
        return [outputs[i] for i in self.wanted]

    def _needed(self) -> list[int]:
        needed: set[int] = set()
        waiting = list(self.wanted)
        while waiting:
            index = waiting.pop()
            if index >= 0 and index not in needed:
                needed.add(index)
                waiting.extend(self.facts[index]["sources"])
        return sorted(needed)


def _block(index: int, facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> nn.Module:
    kind = facts["kind"]
    parameters = {
        name: torch.from_numpy(np.array(arrays[f"{index}.{name}"]))
        for name in ("weights", "biases", "scales", "rolling_mean", "rolling_variance")
        if f"{index}.{name}" in arrays
    }
    if kind in ("convolutional", "connected"):
        return _filters(facts, parameters)
    if kind not in BLOCKS:
        raise NotImplementedError(f"[{kind}] is not built for PyTorch")
    return BLOCKS[kind](facts)


def _filters(facts: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> nn.Module:
    """Convolution or linear layer, batch norm, activation."""
    normalizes = facts.get("normalizes", False)
    layers: list[nn.Module] = []
    if facts["kind"] == "connected":
        main: nn.Module = nn.Linear(
            parameters["weights"].shape[1], facts["outputs"], bias=not normalizes
        )
        layers.append(nn.Flatten())
    else:
        g = facts["geometry"]
        main = nn.Conv2d(
            g["channels"],
            g["filters"],
            (g["size_h"], g["size_w"]),
            stride=(g["stride_h"], g["stride_w"]),
            padding=(g["pad_h"], g["pad_w"]),
            dilation=(g["dilation_h"], g["dilation_w"]),
            groups=g["groups"],
            bias=not normalizes,
        )
    layers.append(main)
    with torch.no_grad():
        main.weight.copy_(parameters["weights"])
        if normalizes:
            layers.append(_batch_norm(facts, parameters))
        else:
            main.bias.copy_(parameters["biases"])
    if facts["activation"] != "linear":
        layers.append(ACTIVATIONS[facts["activation"]]())
    return nn.Sequential(*layers)


def _batch_norm(facts: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> nn.Module:
    """Batch norm whose variance makes up for Darknet's epsilon, perhaps outside the root."""
    count = len(parameters["biases"])
    kind = nn.BatchNorm1d if facts["kind"] == "connected" else nn.BatchNorm2d
    norm = kind(count, eps=1e-5, momentum=facts["rolling"])
    norm.weight.copy_(parameters["scales"])
    norm.bias.copy_(parameters["biases"])
    norm.running_mean.copy_(parameters["rolling_mean"])
    variance = parameters["rolling_variance"].double()
    if facts["epsilon_inside"]:
        variance = variance + facts["epsilon"]
    else:
        variance = (variance.sqrt() + facts["epsilon"]) ** 2
    norm.running_var.copy_((variance - 1e-5).clamp(min=0))
    return norm


class _Pool(nn.Module):
    """Darknet's windows: by PyTorch's own padding where that can be, else padded beforehand."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__()
        g = facts["geometry"]
        self.largest = facts["kind"] == "maxpool"
        self.size = (g["size_h"], g["size_w"])
        self.stride = (g["stride_h"], g["stride_w"])
        before, behind = facts["before"], facts["behind"]
        # Windows that hang over the far edge only are PyTorch's ceil mode.
        self.padding = tuple(before)
        self.ceil = before != behind
        fits = all(
            b <= s // 2 and e - b < t
            for b, e, s, t in zip(before, behind, self.size, self.stride, strict=True)
        )
        self.outer: tuple[int, ...] | None = None
        if not fits or (self.ceil and any(e < b for b, e in zip(before, behind, strict=True))):
            self.outer = (before[1], behind[1], before[0], behind[0])
            self.padding, self.ceil = (0, 0), False

    def forward(self, x: Tensor) -> Tensor:
        if self.outer is not None:
            x = F.pad(x, self.outer, value=float("-inf"))
        if self.largest:
            return F.max_pool2d(x, self.size, self.stride, self.padding, ceil_mode=self.ceil)
        return F.avg_pool2d(
            x, self.size, self.stride, self.padding, self.ceil, count_include_pad=False
        )


class _Function(nn.Module):
    """A layer without parameters."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def _softmax(facts: Mapping[str, Any]) -> nn.Module:
    groups, temperature = facts["groups"], facts["temperature"]
    if groups == 1 and temperature == 1:
        return _Function(lambda x: torch.softmax(x.flatten(1), 1))
    return _Function(
        lambda x: torch.softmax(x.reshape(len(x), groups, -1) / temperature, 2).flatten(1)
    )


def _route(facts: Mapping[str, Any]) -> nn.Module:
    parts = facts["parts"]

    def join(*inputs: Tensor) -> Tensor:
        cut = [
            x if count == x.shape[1] else x[:, first : first + count]
            for x, (first, count) in zip(inputs, parts, strict=True)
        ]
        return cut[0] if len(cut) == 1 else torch.cat(cut, 1)

    return _Function(join)


def overlap(x: Tensor, source: Tensor) -> Tensor:
    """What Darknet adds of a source of another size: every s-th pixel, the common channels."""
    stride = source.shape[3] // x.shape[3]
    if stride < 1:
        raise NotImplementedError("[shortcut] of a smaller map is not built for PyTorch")
    channels = min(x.shape[1], source.shape[1])
    part = source[:, :channels, ::stride, ::stride][:, :, : x.shape[2], : x.shape[3]]
    return F.pad(part, (0, 0, 0, 0, 0, x.shape[1] - channels))


def _shortcut(facts: Mapping[str, Any]) -> nn.Module:
    alpha, beta = facts["alpha"], facts["beta"]
    activation = ACTIVATIONS[facts["activation"]]()

    def add(x: Tensor, source: Tensor) -> Tensor:
        if x.shape != source.shape:
            source = overlap(x, source)
        if alpha == 1 and beta == 1:
            return activation(x + source)
        return activation(alpha * x + beta * source)

    return _Function(add)


def _crop(facts: Mapping[str, Any]) -> nn.Module:
    """The centre, as 2x - 1 unless noadjust=1."""
    _, height, width = facts["shape"]

    def cut(x: Tensor) -> Tensor:
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
        x = x[:, :, top : top + height, left : left + width]
        return x if facts["noadjust"] else x * 2 - 1

    return _Function(cut)


def _yolo(facts: Mapping[str, Any]) -> nn.Module:
    """Logistic x, y, objectness and classes; w and h raw."""
    entry, scale = facts["entry"], facts["scale_x_y"]
    if facts["new_coords"]:
        raise NotImplementedError("[yolo] with new_coords is not built for PyTorch")

    def decode(x: Tensor) -> Tensor:
        planes = x.unflatten(1, (-1, entry))
        xy = planes[:, :, :2].sigmoid() * scale - (scale - 1) / 2
        joined = torch.cat((xy, planes[:, :, 2:4], planes[:, :, 4:].sigmoid()), 2)
        return joined.flatten(1)

    return _Function(decode)


BLOCKS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "maxpool": _Pool,
    "local_avgpool": _Pool,
    "avgpool": lambda facts: nn.AdaptiveAvgPool2d(1),
    "dropout": lambda facts: nn.Dropout(facts["probability"]),
    "normalization": lambda facts: nn.LocalResponseNorm(
        facts["size"], facts["alpha"] * facts["size"], facts["beta"], facts["kappa"]
    ),
    "softmax": _softmax,
    "route": _route,
    "yolo": _yolo,
    "crop": _crop,
    "shortcut": _shortcut,
    "upsample": lambda facts: nn.Upsample(scale_factor=facts["stride"]),
    "activation": lambda facts: ACTIVATIONS[facts["activation"]](),
    "logistic": lambda facts: nn.Sigmoid(),
}
