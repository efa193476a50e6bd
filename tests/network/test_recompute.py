"""However much training makes again instead of keeping it: the weights are the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import GRAPHS, HEAD, TAIL, conv, route, shortcut

from darkpy.config.sections import parse_cfg
from darkpy.errors import ArgumentError
from darkpy.network.model import MEMORY_LEVELS as LEVELS
from darkpy.network.network import Network
from darkpy.network.training_memory import training_memory

POOL = "[maxpool]\nsize=2\nstride=2\n"


def normalised(activation: str, filters: int = 4, size: int = 3, **more: object) -> str:
    return conv(
        filters, size=size, pad=int(size > 1), batch_normalize=1, activation=activation, **more
    )


def bottleneck(activation: str) -> str:
    layers = normalised(activation, 2, 1) + normalised(activation, 2) + normalised("linear", 8, 1)
    return layers + shortcut(-4, activation=activation)


NETS = {
    "plain relu": normalised("relu") + normalised("relu", 5) + POOL + normalised("relu", 6),
    "plain leaky": normalised("leaky") + POOL + normalised("leaky", 5) + normalised("leaky", 6),
    "plain mish": normalised("mish") + normalised("mish", 5) + normalised("mish", 3),
    "plain logistic": normalised("logistic") + normalised("logistic", 5) + normalised("tanh", 3),
    "joined": normalised("relu")
    + normalised("relu", 3, 1)
    + route("0")
    + normalised("relu", 5)
    + route("1,3")
    + normalised("relu", 6)
    + conv(4),
    "joined with others": normalised("relu") + conv(3) + route("0,1") + normalised("relu", 6),
    "residual": normalised("relu", 8) + 4 * bottleneck("relu"),
    "residual leaky": normalised("leaky", 8) + 3 * bottleneck("leaky"),
    "residual mish": normalised("mish", 8) + 2 * bottleneck("mish"),
    "alone": conv(5, activation="linear")
    + "[batchnorm]\n[activation]\nactivation=relu\n"
    + normalised("relu"),
    "dropped": normalised("relu") + "[dropout]\nprobability=.3\n" + normalised("relu"),
    **GRAPHS,
}


def trained(text: str, level: str) -> tuple[bytes, float]:
    net = Network(parse_cfg(HEAD + text + TAIL), memory=level)
    rng = np.random.default_rng(5)
    costs = 0.0
    for _ in range(3):
        x = rng.normal(size=(2, 4, 6, 5)).astype(np.float32)
        truth = np.eye(net.truths, dtype=np.float32)[rng.integers(0, net.truths, 2)]
        costs += net.train_step(x, truth)
    arrays = [p.value for layer in net.layers for p in layer.parameters.values()]
    return b"".join(array.tobytes() for array in arrays), costs


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETS)
def test_the_same_bits_at_every_level(name) -> None:
    first, *others = [trained(NETS[name], level) for level in LEVELS]
    assert all(other == first for other in others)


def arena(text: str, level: str) -> int:
    head = HEAD.replace("height=6", "height=32").replace("width=5", "width=32")
    return training_memory(Network(parse_cfg(head + text + TAIL), memory=level)).arena


@pytest.mark.parametrize("name", ["plain relu", "joined", "residual"])
def test_less_memory_is_less(name) -> None:
    high, normal, low = [arena(NETS[name], level) for level in LEVELS]
    assert normal < 0.9 * high
    if name == "residual":
        assert low < 0.9 * normal


def test_a_chain_of_normalised_layers_keeps_one_array_a_layer() -> None:
    text = normalised("relu", 16) + 30 * normalised("relu", 16)
    layer = 4 * 2 * 16 * 32 * 32
    assert arena(text, "high") > 60 * layer
    assert arena(text, "normal") < 36 * layer


def test_unknown_levels_are_refused() -> None:
    with pytest.raises(ArgumentError, match="memory must be one of high, normal, low, got 'none'"):
        Network(parse_cfg(HEAD + conv() + TAIL), memory="none")
