"""Every layer against its float64 reference, alone between two convolutions, at awkward sizes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from network_pair import Pair

from darkpy.config.sections import parse_cfg
from darkpy.engine.enums import ACTIVATIONS, CHANNEL_ACTIVATIONS
from darkpy.errors import ConfigError
from darkpy.network.network import Network

NET = """
[net]
batch={batch}
height={height}
width={width}
channels={channels}
learning_rate=0.05
momentum=0.9
decay=0.01
[convolutional]
filters={filters}
size=3
pad=1
activation=linear
{layer}
[connected]
output=3
activation=linear
[softmax]
"""


def text_of(
    layer: str,
    filters: int = 5,
    height: int = 7,
    width: int = 5,
    channels: int = 3,
    batch: int = 2,
) -> str:
    """The layer behind a convolution of `filters`, which gives it a delta to send."""
    return NET.format(**locals())


def both(text: str, dialect: str = "pjreddie", tolerance: float = 1e-3) -> None:
    """Inference and two training steps."""
    pair = Pair(text, dialect)
    pair.compare_forward(batch=3, tolerance=tolerance)
    pair.compare_step(tolerance)
    pair.compare_step(tolerance)
    pair.compare_forward(batch=1, tolerance=tolerance)


def section(name: str, **options: object) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items())])


def conv(**options: object) -> str:
    return section("convolutional", **{"filters": 4, "activation": "tanh", **options})


LAYERS = {
    "conv 1x1": conv(),
    "conv 1x1 strided": conv(stride=2),
    "conv 1x1 with padding": conv(padding=2),
    "conv 2x2": conv(size=2, padding=1),
    "conv 3x3 valid": conv(size=3),
    "conv 3x3 stride 2": conv(size=3, pad=1, stride=2),
    "conv 5x5 larger than half": conv(size=5, padding=4),
    "conv as large as the image": conv(size=7, padding=1),
    "conv stride beyond size": conv(size=2, stride=4),
    "conv two strides": conv(size=3, pad=1, stride_x=2, stride_y=3),
    "conv one stride": conv(size=3, pad=1, stride_x=3),
    "conv dilated": conv(size=3, pad=1, dilation=2),
    "conv dilated strided": conv(size=3, pad=1, dilation=3, stride=2),
    "conv batch normalised": conv(size=3, pad=1, batch_normalize=1, activation="leaky"),
    "conv batch normalised mish": conv(size=1, batch_normalize=1, activation="mish"),
    "conv batch normalised swish": conv(filters=17, batch_normalize=1, activation="swish"),
    "connected": section("connected", output=6, activation="relie"),
    "connected one": section("connected", activation="loggy"),
    "connected batch normalised": section("connected", output=17, batch_normalize=1,
                                          activation="tanh"),
    "local": section("local", filters=3, size=3, pad=1, activation="logistic"),
    "local strided": section("local", filters=2, size=2, stride=3, activation="elu"),
    "local mish": section("local", filters=1, size=3, activation="mish"),
    "maxpool": section("maxpool", size=2, stride=2),
    "maxpool default size": section("maxpool", stride=3),
    "maxpool stride 1": section("maxpool", size=2),
    "maxpool without padding": section("maxpool", size=3, stride=2, padding=0),
    "maxpool odd padding": section("maxpool", size=4, stride=3, padding=5),
    "maxpool stride beyond size": section("maxpool", size=1, stride=4),
    "maxpool two strides": section("maxpool", size=3, stride_x=1, stride_y=2),
    "avgpool": "[avgpool]",
    "local_avgpool": section("local_avgpool", size=3, stride=2),
    "local_avgpool even": section("local_avgpool", size=2, stride=1, padding=1),
    "normalization": section("normalization", size=5, alpha=0.3, beta=0.75, kappa=2),
    "normalization even": section("normalization", size=4, alpha=0.3, beta=0.5),
    "normalization wider than the channels": section("normalization", size=15, alpha=0.1),
    "dropout": section("dropout", probability=0.3),
    "dropout default": "[dropout]",
    "crop": section("crop", crop_height=3, crop_width=2, flip=1),
    "crop noadjust": section("crop", crop_height=6, crop_width=5, noadjust=1),
    "upsample": section("upsample", stride=2, scale=0.5),
    "upsample 1": section("upsample", stride=1),
    "batchnorm": "[batchnorm]",
    "l2norm": "[l2norm]",
    "activation": section("activation", activation="elu"),
    "reorg flatten": section("reorg", flatten=1),
    "reorg flatten reverse": section("reorg", flatten=1, reverse=1),
    "reorg extra": section("reorg", extra=3),
    "reorg 1": section("reorg", stride=1),
    "softmax without loss": section("softmax", noloss=1, temperature=2),
    "shortcut with itself": section("shortcut", **{"from": -1, "activation": "tanh"}),
    "route of itself": section("route", layers=-1),
    "route twice": section("route", layers="-1,-1"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    both(text_of(LAYERS[name], batch=4 if "normalised" in name else 2))


SIZED = {
    "upsample by division": (section("upsample", stride=-2, scale=2), 5, 6, 4),
    "reorg": (section("reorg", stride=2), 8, 6, 4),
    "reorg 3": (section("reorg", stride=3), 9, 6, 3),
    "reorg reverse": (section("reorg", stride=2, reverse=1), 8, 3, 5),
    "reorg3d": (section("reorg3d", stride=2), 5, 6, 4),
    "reorg3d 3": (section("reorg3d", stride=3), 2, 3, 6),
    "softmax groups": (section("softmax", noloss=1, groups=4), 8, 3, 5),
    "softmax groups across channels": (section("softmax", noloss=1, groups=6), 4, 3, 5),
}


@pytest.mark.parametrize("name", SIZED)
def test_layer_that_wants_a_size(name: str) -> None:
    layer, filters, height, width = SIZED[name]
    both(text_of(layer, filters, height, width))


@pytest.mark.parametrize("activation", [*ACTIVATIONS, *CHANNEL_ACTIVATIONS])
@pytest.mark.parametrize("kind", ["convolutional", "activation", "local", "connected", "shortcut"])
def test_activation(kind: str, activation: str) -> None:
    options = {"activation": activation}
    if kind == "shortcut":
        options["from"] = "-1"
    both(text_of(section(kind, **options), height=4, width=3), "alexeyab")


@pytest.mark.parametrize("activation", CHANNEL_ACTIVATIONS)
def test_activations_over_channels_join_what_epilogues_do_alone(activation: str) -> None:
    """Behind batch normalisation, in a [shortcut] that could be an epilogue, in a joined tensor."""
    layers = [
        conv(filters=5, size=3, pad=1, batch_normalize=1, activation=activation),
        conv(filters=5, size=1, activation="linear"),
        section("shortcut", **{"from": -2, "activation": activation}),
        conv(filters=17, size=1, activation=activation),
        section("route", layers="-1,-2"),
        section("maxpool", size=2),
        conv(filters=3, size=1, activation=activation),
    ]
    text = text_of("\n".join(layers), height=4, width=3, batch=3)
    both(text, "alexeyab", 2e-3)
    fused, kept = (Pair(text, "alexeyab").net for _ in range(2))
    x = Pair(text, "alexeyab").photos(3)
    truth = np.eye(3, dtype=np.float32)
    costs = [net.train_step(x, truth, keep=net is kept) for net in (fused, kept)]
    np.testing.assert_allclose(*costs, rtol=1e-6)
    for layer, other in zip(fused.layers, kept.layers, strict=True):
        for name, parameter in layer.parameters.items():
            np.testing.assert_allclose(
                parameter.value, other.parameters[name].value, rtol=1e-5, atol=1e-6
            )
    np.testing.assert_allclose(fused.predict(x), kept.activations(x)[-1], rtol=1e-5)


def test_activations_over_channels_need_channels() -> None:
    text = text_of("[softmax]\nnoloss=1\n[activation]\nactivation=normalize_channels")
    with pytest.raises(ConfigError, match="needs an image, not the vector"):
        Network(parse_cfg(text))


@pytest.mark.parametrize("dialect", ["pjreddie", "alexeyab"])
def test_a_negative_rolling_variance_counts_as_zero(dialect: str) -> None:
    net = Network(parse_cfg("[net]\ninputs=3\n[batchnorm]\n"), dialect=dialect)
    zero = Network(parse_cfg("[net]\ninputs=3\n[batchnorm]\n"), dialect=dialect)
    net.layers[0].rolling_variance = np.float32([-0.5, 0, 2])
    zero.layers[0].rolling_variance = np.float32([0, 0, 2])
    x = np.float32([[1, -2, 3]])
    answer = net.predict(x)
    assert np.isfinite(answer).all()
    np.testing.assert_array_equal(answer, zero.predict(x))


@pytest.mark.parametrize("channels", [1, 15, 16, 17, 33])
@pytest.mark.parametrize("filters", [1, 15, 16, 17, 33])
def test_channel_counts_around_the_vectors(filters: int, channels: int) -> None:
    layer = conv(filters=filters, size=3, pad=1) + "\n[batchnorm]"
    both(text_of(layer, filters=channels, height=3, width=4, batch=3))


@pytest.mark.parametrize("channels", [1, 15, 16, 17, 33])
@pytest.mark.parametrize(
    "layer",
    [
        section("maxpool", size=3, stride=2),
        section("local_avgpool", size=2, stride=1),
        section("normalization", size=5, alpha=0.2),
        section("l2norm"),
        section("avgpool"),
        section("dropout"),
        section("upsample"),
        conv(filters=33, size=1),
        section("crop", crop_height=2, crop_width=2, flip=1),
        section("activation", activation="mish"),
    ],
    ids=lambda text: text.split("]")[0][1:],
)
def test_channels_through(layer: str, channels: int) -> None:
    if "l2norm" in layer and channels == 1:
        pytest.skip("a vector of one value has the length of that value: no derivative")
    both(text_of(layer, filters=channels, height=4, width=3))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("plane", [(1, 1), (2, 1), (5, 4)])
def test_groups(groups: int, size: int, plane: tuple[int, int]) -> None:
    both(text_of(conv(filters=12, size=size, pad=1, groups=groups), 6, *plane))


@pytest.mark.parametrize("channels", [3, 16, 17])
@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"dilation": 2}, {"size": 5}])
def test_depthwise(channels: int, options: dict[str, int]) -> None:
    layer = conv(**{"filters": channels, "groups": channels, "size": 3, "pad": 1, **options})
    both(text_of(layer, channels, 5, 6))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_batch_sizes(batch: int) -> None:
    both(text_of(conv(size=3, pad=1, stride=2) + "\n" + LAYERS["maxpool"], batch=batch))


@pytest.mark.parametrize("kind", ["sse", "masked", "smooth", "L1"])
def test_costs(kind: str) -> None:
    text = text_of(section("cost", type=kind, scale=0.5)).rsplit("[connected]")[0]
    pair = Pair(text)
    for _ in range(3):
        truth = pair.rng.normal(0, 2, (2, pair.net.truths)).astype("f4")
        if kind == "masked":
            truth[0, ::3] = -1234
        pair.compare_step(1e-3, truth)


@pytest.mark.parametrize("kind", ["seg", "wgan"])
def test_costs_that_run_sse_as_on_darknets_cpu(kind: str) -> None:
    text = text_of(section("cost", type="sse")).rsplit("[connected]")[0]
    nets = [Pair(text).net, Pair(text.replace("sse", kind)).net]
    pair = Pair(text)
    x, truth = pair.photos(2), pair.rng.normal(0, 2, (2, pair.net.truths)).astype("f4")
    assert nets[0].train_step(x, truth) == nets[1].train_step(x, truth) > 0


@pytest.mark.parametrize("head", ["logistic", "softmax"])
@pytest.mark.parametrize("options", [{}, {"loss_weight": 0.3}])
def test_heads_with_a_cost_on_an_image(head: str, options: dict[str, float]) -> None:
    pair = Pair(text_of(section(head, **options)).rsplit("[connected]")[0])
    truth = pair.rng.uniform(0, 1, (2, pair.net.truths)).astype("f4")
    pair.compare_step(1e-3, truth)
    pair.compare_forward()


def test_grouped_softmax_with_its_cost_on_an_image() -> None:
    pair = Pair(text_of(section("softmax", groups=6), 4, 3, 5).rsplit("[connected]")[0])
    truth = pair.rng.uniform(0, 1, (2, pair.net.truths)).astype("f4")
    pair.compare_step(1e-3, truth)


def test_softmax_and_cost_double_the_gradient_and_say_so() -> None:
    text = text_of("[avgpool]") + "[cost]\n"
    pair = Pair(text)
    pair.compare_step(1e-3)
    double = pair.net.layers[-3].delta
    single = Pair(text.replace("[softmax]", "[softmax]\nnoloss=1"))
    single.compare_step(1e-3)
    assert abs(double / single.net.layers[-3].delta - 2).max() < 1e-3
    with (
        warnings.catch_warnings(),
        pytest.raises(UserWarning, match=r"<string>:\d+: .*doubles the gradient"),
    ):
        warnings.simplefilter("error")
        Network(parse_cfg(text))


@pytest.mark.parametrize("dialect", ["pjreddie", "alexeyab"])
@pytest.mark.parametrize("layer", ["batchnorm", "connected batch normalised", "conv 3x3 valid"])
def test_dialects(dialect: str, layer: str) -> None:
    text = text_of(LAYERS[layer] + "\n[dropout]\n" + conv(batch_normalize=1), batch=4)
    both(text, dialect)
