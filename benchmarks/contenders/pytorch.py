"""PyTorch in its modes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from contenders.torch_model import DarkNetwork, read

__all__ = ["Inference", "Training"]


class Inference:
    """Modes: eager, channels_last, compile, frozen (compiled), script (TorchScript, frozen)."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        torch.set_num_threads(task["threads"])
        description, arrays = read(task["description"])
        mode = task["mode"]
        model = DarkNetwork(description, arrays, [description["answer"]]).eval()
        self.x = torch.from_numpy(np.load(task["input"]))
        if mode in ("channels_last", "frozen"):
            model = model.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.model: Callable[[Tensor], Any] = model
        with torch.inference_mode(mode != "frozen"), torch.no_grad():
            if mode == "script":
                traced = torch.jit.trace(model, self.x)
                self.model = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
            elif mode in ("compile", "frozen"):
                if mode == "frozen":
                    import torch._inductor.config as inductor

                    inductor.freezing = True
                self.model = torch.compile(model)
        for _ in range(2):  # compiles, and lets TorchScript's profiling executor settle
            self.run()

    def run(self) -> Tensor:
        """Predict."""
        with torch.no_grad():
            output: Tensor = self.model(self.x)[0]
            return output

    def answer(self) -> npt.NDArray[np.float32]:
        """The prediction."""
        return self.run().reshape(len(self.x), -1).numpy()


class Training:
    """Modes: eager, channels_last, compile; SGD that does what Darknet's rule does.

    Darknet adds decay to the gradients' sum, keeps momentum in the same buffer, and steps by the
    rate over the batch: with gradients of the batch's mean that is PyTorch's SGD, decay on weights
    only.
    """

    def __init__(self, task: Mapping[str, Any]) -> None:
        torch.set_num_threads(task["threads"])
        description, arrays = read(task["description"])
        self._find_costs(description)
        model = DarkNetwork(description, arrays, [source for source, *_ in self.costs]).train()
        self.mode = task["mode"]
        if self.mode == "channels_last":
            model = model.to(memory_format=torch.channels_last)
        weights = [p for p in model.parameters() if p.ndim > 1]
        others = [p for p in model.parameters() if p.ndim == 1]
        self.optimizer = torch.optim.SGD(
            [{"params": weights, "weight_decay": description["decay"]}, {"params": others}],
            lr=description["learning_rate"],
            momentum=description["momentum"],
        )
        self.model = torch.compile(model) if self.mode == "compile" else model
        data = np.load(task["data"])
        classes = torch.from_numpy(data["truth"].argmax(2))
        images = torch.from_numpy(data["x"])
        if self.mode == "channels_last":
            batches = [x.contiguous(memory_format=torch.channels_last) for x in images]
        else:
            batches = list(images)
        del images, data
        self.batches = itertools.cycle(zip(batches, classes, strict=True))
        self.losses = np.array([self.run() for _ in batches], np.float32)

    def run(self) -> float:
        """One step on the next batch; the loss per image as Darknet reports it."""
        x, classes = next(self.batches)
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(x)
        each = [F.cross_entropy(z.flatten(1), classes) for z in logits]
        terms = zip(each, self.costs, strict=True)
        total = torch.stack([loss * gradient for loss, (_, gradient, _) in terms]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        reported = zip(each, self.costs, strict=True)
        return float(sum(loss.item() * share for loss, (_, _, share) in reported))

    def answer(self) -> npt.NDArray[np.float32]:
        """Losses of the first steps."""
        return self.losses

    def _find_costs(self, description: Mapping[str, Any]) -> None:
        """List for each softmax with a cost: source, weight in gradient, in the reported cost."""
        layers = description["layers"]
        costly = [facts for facts in layers if "loss_weight" in facts]
        weighted = any(facts["loss_weight"] is not None for facts in costly)
        self.costs: list[tuple[int, float, float]] = []
        for facts in costly:
            if facts["kind"] != "softmax":
                raise NotImplementedError(f"the cost of [{facts['kind']}] is not built for PyTorch")
            weight = 1.0 if facts["loss_weight"] is None else float(facts["loss_weight"])
            share = weight if weighted else 1 / len(costly)
            self.costs.append((facts["sources"][0], weight, share))
