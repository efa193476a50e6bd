"""Losses on real photos follow PyTorch's: same weights, same batches, same rule of updates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy.data import InputShape, batches, open_dataset
from darkpy.training.stream import sample_stream

torch = pytest.importorskip("torch", reason="needs PyTorch")

from contenders.torch_model import DarkNetwork  # noqa: E402
from harness.description import arrays, describe  # noqa: E402

PHOTOS = Path(darkpy.__file__).parents[1] / "data" / "fashion-mnist"


CFG = """
[net]
batch=32
height=28
width=28
channels=1
learning_rate=0.05
momentum=0.9
decay=0.001
[convolutional]
batch_normalize=1
filters=8
size=3
pad=1
activation=relu
[maxpool]
size=2
[convolutional]
batch_normalize=1
filters=8
size=1
activation=relu
[route]
layers=-2
[convolutional]
batch_normalize=1
filters=8
size=1
activation=leaky
[convolutional]
batch_normalize=1
filters=12
size=3
pad=1
activation=relu
[route]
layers=-4
[maxpool]
size=3
stride=1
[convolutional]
filters=4
size=1
activation=relu
[route]
layers=2,5,8
[maxpool]
size=2
[convolutional]
batch_normalize=1
filters=24
size=3
pad=1
activation=relu
[convolutional]
batch_normalize=1
filters=24
size=3
pad=1
activation=linear
[shortcut]
from=-2
activation=relu
[dropout]
probability=0
[avgpool]
[connected]
output=10
activation=linear
[softmax]
"""


class DarknetNorm(torch.autograd.Function):
    """Batch normalisation by Darknet's formulas, which are not each other's derivative."""

    @staticmethod
    def forward(ctx, x, scale, bias, epsilon):
        variance, mean = torch.var_mean(x, (0, 2, 3), keepdim=True)
        centred = x - mean
        normal = centred / (variance.sqrt() + epsilon)
        ctx.save_for_backward(centred, normal, variance, scale)
        return normal * scale[:, None, None] + bias[:, None, None]

    @staticmethod
    def backward(ctx, gradient):
        centred, normal, variance, scale = ctx.saved_tensors
        axes, count = (0, 2, 3), centred[:, 0].numel()
        s = (variance + 1e-5).sqrt()
        g = gradient * scale[:, None, None]
        by_mean = -g.sum(axes, keepdim=True) / s
        by_variance = -(g * centred).sum(axes, keepdim=True) / (2 * s**3)
        dx = g / s + 2 * by_variance * centred / count + by_mean / count
        return dx, (gradient * normal).sum(axes), gradient.sum(axes), None


class Norm(torch.nn.Module):
    """In place of PyTorch's batch normalisation."""

    def __init__(self, norm: torch.nn.BatchNorm2d, epsilon: float) -> None:
        super().__init__()
        self.weight, self.bias, self.epsilon = norm.weight, norm.bias, epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return DarknetNorm.apply(x, self.weight, self.bias, self.epsilon)


def twin(net: darkpy.Network) -> torch.nn.Module:
    """The same network for PyTorch, up to its last filters."""
    model = DarkNetwork(describe(net), arrays(net), [net.answer.sources[0]]).train()
    for module in list(model.modules()):
        for name, inner in list(module.named_children()):
            if isinstance(inner, torch.nn.BatchNorm2d):
                setattr(module, name, Norm(inner, net.dialect.bn_epsilon))
    return model


def losses(cfg: str | Path, steps: int) -> np.ndarray:
    """Mean loss of an image at each step: darkpy's, then PyTorch's."""
    net = darkpy.load(cfg, seed=3)
    model, o = twin(net), net.options
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    optimiser = torch.optim.SGD(
        [{"params": weights, "weight_decay": o.decay}, {"params": others}],
        lr=o.learning_rate,
        momentum=o.momentum,
    )
    photos = open_dataset(PHOTOS).train
    shape = InputShape(net.channels, net.height, net.width)
    pairs = []
    stream = batches(photos, sample_stream(len(photos), 7), net.mini_batch, shape)
    for batch, _ in zip(stream, range(steps), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = net.learning_rate
        optimiser.zero_grad(set_to_none=True)
        logits = model(torch.from_numpy(batch.x))[0].flatten(1)
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(batch.truth.argmax(1)))
        loss.backward()
        optimiser.step()
        pairs.append((net.train_step(batch.x, batch.truth) / net.mini_batch, loss.item()))
    return np.array(pairs).T


@pytest.mark.slow
def test_losses_follow_pytorchs(tmp_path) -> None:
    cfg = tmp_path / "net.cfg"
    cfg.write_text(CFG)
    ours, theirs = losses(cfg, 200)
    np.testing.assert_allclose(ours[:10], theirs[:10], rtol=1e-4)
    late = slice(150, 200)
    assert ours[late].mean() == pytest.approx(theirs[late].mean(), rel=0.02)
    assert theirs[late].mean() < 0.5 * theirs[0]  # it learned
