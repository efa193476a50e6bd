"""What every registered layer promises: a new section is tested as soon as it is registered."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from darkpy.config.option import Kind, Option
from darkpy.config.sections import parse_cfg
from darkpy.errors import (
    ConfigError,
    OptionValueError,
    StateError,
    UnknownSectionError,
    UnusedOptionWarning,
)
from darkpy.layers.base import COMMON_OPTIONS
from darkpy.layers.registry import layer_classes, options_of
from darkpy.network.network import Network

#: Options that a section needs to stand behind 8 channels of 6 x 4.
NEEDED = {
    "region": "num=1\nclasses=3\n",
    "route": "layers=-1\n",
    "shortcut": "from=-2\n",
    "yolo": "num=1\nclasses=3\n",
}
#: Options without which it does not do much.
USEFUL = {"crop": "crop_height=3\ncrop_width=2\n"}
HEAD = """[net]
batch=2
height=6
width=4
channels=3
[convolutional]
filters=8
size=3
pad=1
activation=tanh
[convolutional]
filters=8
activation=linear
"""
FIRST_LINE = len(HEAD.splitlines()) + 1  # of the section under test
SECTIONS = sorted(layer_classes())
FULL_NAMES = sorted({layer.sections[0] for layer in layer_classes().values()})


def network(name: str, extra: str = "", **options: object) -> Network:
    """The section between two convolutions and another layer that reads it."""
    written = "".join(f"{key}={value}\n" for key, value in options.items())
    given = {line.split("=")[0] for line in extra.split()}
    others = (NEEDED | USEFUL).get(name, "").split()
    needed = "".join(line + "\n" for line in others if line.split("=")[0] not in given)
    return bare(name, written + extra + needed)


def bare(name: str, options: str) -> Network:
    """As `network`, with these options only."""
    text = f"{HEAD}[{name}]\n{options}[activation]\n"
    layer = layer_classes()[name]
    if (
        layer.is_head or not layer.is_answer
    ):  # the network's answer is the layer itself, or before it
        text = text.removesuffix("[activation]\n")
    return Network(parse_cfg(text, "some.cfg"), dialect="alexeyab", seed=3)


def photos(net: Network, batch: int) -> np.ndarray:
    rng = np.random.default_rng(batch)
    return rng.normal(0, 1, net.input_shape.array_shape(batch)).astype(np.float32)


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("batch", [0, 1, 5, 40])
def test_the_promised_shape_is_the_real_one(name: str, batch: int) -> None:
    net = network(name)
    outputs = net.activations(photos(net, batch))
    for layer, output in zip(net.layers, outputs, strict=True):
        assert output.dtype == np.float32
        assert output.shape == layer.output_shape.array_shape(batch)
        assert not output.flags.writeable
    answer = net.predict(photos(net, batch))
    assert answer.shape == (batch, net.outputs)
    np.testing.assert_allclose(
        answer, outputs[net.answer.index].reshape(answer.shape), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", SECTIONS)
def test_images_do_not_influence_each_other(name: str) -> None:
    net = network(name)
    x = photos(net, 40)
    together = net.predict(x)
    alone = np.concatenate([net.predict(x[i : i + 1]) for i in range(40)])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(together, net.predict(x))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_broken_image_stays_alone(name: str) -> None:
    net = network(name)
    x = photos(net, 5)
    good = net.predict(x)
    x[2] = np.nan
    bad = net.predict(x)
    np.testing.assert_array_equal(np.delete(bad, 2, 0), np.delete(good, 2, 0))


@pytest.mark.parametrize("name", SECTIONS)
def test_inputs_are_read_only_and_stay(name: str) -> None:
    net = network(name)
    x = photos(net, 2)
    copy = x.copy()
    x.flags.writeable = False
    net.predict(x)
    net.activations(x)
    if net.truths:
        truth = np.full((2, net.truths), 0.5, np.float32)
        truth.flags.writeable = False
        net.train_step(x, truth, keep=True)
        net.train_step(x, truth)
        assert (truth == 0.5).all()
    np.testing.assert_array_equal(x, copy)


@pytest.mark.parametrize("name", SECTIONS)
def test_parameters_round_trip(name: str, tmp_path: Path) -> None:
    net, other = network(name), network(name)
    rng = np.random.default_rng(0)
    for layer in net.layers:
        for key, parameter in layer.parameters.items():
            value = rng.normal(0, 1, parameter.shape).astype(np.float32)
            setattr(layer, key, value)
            np.testing.assert_array_equal(getattr(layer, key), value)
            assert not getattr(layer, key).flags.writeable
    net.save_weights(tmp_path / "a.weights")
    other.load_weights(tmp_path / "a.weights")
    other.save_weights(tmp_path / "b.weights")
    assert (tmp_path / "a.weights").read_bytes() == (tmp_path / "b.weights").read_bytes()
    np.testing.assert_array_equal(net.predict(photos(net, 3)), other.predict(photos(net, 3)))


@pytest.mark.parametrize("name", FULL_NAMES)
def test_every_layer_explains_its_options(name: str) -> None:
    options = options_of(name)
    names = [option.name for option in options]
    assert len(names) == len(set(names))
    assert set(COMMON_OPTIONS) <= set(options)
    for option in options:
        assert is_explained(option.meaning), option.name
        assert option.dialect in (None, "pjreddie", "alexeyab", "darkpy")


def is_explained(meaning: str) -> bool:
    """Whether the meaning of an option has two words, beside the one that it is for training."""
    return len(set(re.findall(r"\w+", meaning.lower())) - {"a", "the", "training"}) >= 2


@pytest.mark.parametrize("meaning", ["", "training", "Training: factor", "the scale", "exponent"])
def test_a_word_is_no_meaning(meaning: str) -> None:
    assert not is_explained(meaning)


@pytest.mark.parametrize("name", FULL_NAMES)
def test_the_summary_names_every_layer(name: str) -> None:
    assert name in layer_classes()[name].sections
    assert re.search(rf"\b{name}\b", network(name).summary())


def bad_values(option: Option) -> list[str]:
    """Texts that an option of this kind must refuse."""
    if option.kind is Kind.TEXT:
        return []
    if option.kind is Kind.CHOICE:
        return ["nonsense", option.choices[0].upper() + "x"]
    values = ["nonsense", "1x", "nan", "1e400", "--1", "99999999999999999999999"]
    if option.kind in (Kind.INT, Kind.INTS, Kind.FLAG):
        values += ["0.5", "1e-3"]
    if option.kind in (Kind.FLAG, Kind.FLOAT, Kind.FLOATS):
        values = [v for v in values if not v.startswith("99")]
    if option.minimum is not None:
        values.append(str(option.minimum - 1))
    if option.above is not None:
        values.append(str(option.above))
    if option.maximum is not None:
        values.append(str(option.maximum + 1))
    if option.below is not None:
        values.append(str(option.below))
    return values


@pytest.mark.parametrize("name", FULL_NAMES)
def test_bad_values_name_line_key_and_value(name: str) -> None:
    for option in options_of(name):
        for value in bad_values(option):
            with pytest.raises(OptionValueError) as caught:
                network(name, extra=f"{option.name}={value}\n")
            text = str(caught.value)
            assert text.startswith(f"some.cfg:{FIRST_LINE + 1}: [{name}] "), text
            assert option.name in text
            assert value in text


@pytest.mark.parametrize("name", FULL_NAMES)
def test_unknown_keys_warn_with_a_guess(name: str) -> None:
    with pytest.warns(UnusedOptionWarning, match=rf'some\.cfg:{FIRST_LINE + 1}: .*"learning_rat"'):
        network(name, extra="learning_rat=1\n")


@pytest.mark.parametrize("name", ["convolutionel", "Softmax", "maxpoool", "xyz", "lstm"])
def test_unknown_sections(name: str) -> None:
    with pytest.raises(UnknownSectionError, match=rf"^some\.cfg:{FIRST_LINE}: .*\[{name}\]"):
        Network(parse_cfg(f"{HEAD}[{name}]\n", "some.cfg"))


def test_unknown_activation_has_a_guess() -> None:
    with pytest.raises(OptionValueError, match=r"activation .*'lekay'.* did you mean .leaky"):
        network("convolutional", extra="activation=lekay\n")


MISFITS = [
    ("convolutional", "size=20\n", "size=20: is larger than the padded input"),
    ("convolutional", "groups=3\n", "groups=3: must divide both the 8 input channels"),
    ("convolutional", "padding=70000\n", "padding=70000: must be at most"),
    ("convolutional", "size=3\npadding=3\ndilation=2\n", "dilation=2: needs padding 1"),
    ("convolutional", "xnor=1\n", "xnor=1: binary networks"),
    ("convolutional", "stride=0\n", "stride must be an integer >= 1, got"),
    ("convolutional", "filters=-3\n", "filters must be an integer >= 1, got"),
    ("convolutional", "filters=2000000000\nsize=1000\npadding=500\n", "more than memory can hold"),
    ("connected", "output=2000000000\n", "more than memory can hold"),
    ("local", "size=7\n", "size=7: is larger than the padded input"),
    ("local", "size=1\nfilters=2000000000\n", "more than memory can hold"),
    ("maxpool", "size=9\npadding=0\n", "size=9: is larger than the padded input"),
    ("maxpool", "stride=0\n", "stride must be an integer >= 1, got"),
    ("upsample", "stride=0\n", "stride=0: must not be 0"),
    ("upsample", "stride=-3\n", "stride=-3: does not divide"),
    ("upsample", "stride=4096\n", None),
    ("crop", "crop_height=7\n", "crop_height=7: is larger than the input"),
    ("softmax", "groups=5\n", "groups=5: must divide the 192 inputs"),
    ("softmax", "temperature=0\n", "temperature must be a number > 0, got"),
    ("dropout", "probability=1\n", "probability must be a number >= 0 and < 1, got"),
    ("reorg", "stride=3\n", "stride=3: its square must divide the 8 channels"),
    ("reorg", "stride=5\nreverse=1\n", "must divide the 8 channels"),
    ("reorg3d", "stride=5\n", "stride=5: must divide the height and width"),
    ("route", "layers=7\n", "layers=7: layer 7 does not come before this one, layer 2"),
    ("route", "layers=2\n", "does not come before"),
    ("route", "layers=-3\n", "there are only 2 layers before"),
    ("route", "layers=0,-9\n", "there are only 2 layers before"),
    ("route", "layers=-1\ngroups=3\n", "groups=3: must divide the 8 channels"),
    ("route", "layers=-1\ngroups=2\ngroup_id=2\n", "group_id=2: must be less than groups=2"),
    ("shortcut", "from=2\n", "from=2: layer 2 does not come before"),
    ("shortcut", "from=-3\n", "from=-3: there are only 2 layers"),
    ("shortcut", "from=0,1\n", "several layers are not supported"),
    ("yolo", "num=2\n", "channels"),
    ("yolo", "mask=3\n", "names an anchor that num=1"),
    ("region", "num=2\n", "channels"),
]


@pytest.mark.parametrize(("name", "options", "message"), MISFITS)
def test_misfits(name: str, options: str, message: str | None) -> None:
    if message is None:
        network(name, extra=options)
        return
    with pytest.raises(ConfigError) as caught:
        network(name, extra=options)
    assert message in str(caught.value)
    assert re.match(r"some\.cfg:\d+: \[", str(caught.value))


def test_a_layer_says_which_parameters_it_lacks() -> None:
    layer = network("maxpool").layers[2]
    with pytest.raises(StateError, match=r"layer 2 \[maxpool\] has no weights"):
        _ = layer.weights


@pytest.mark.parametrize("name", FULL_NAMES)
def test_only_what_has_to_be_told_needs_options(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network(name)
        if name not in NEEDED:
            bare(name, "")
            return
    with pytest.raises(ConfigError, match=rf"^some\.cfg:{FIRST_LINE}: \[{name}\] .*needs "):
        bare(name, "")


@pytest.mark.parametrize(("filters", "channels", "groups"), [(5, 3, 1), (3, 5, 1), (6, 4, 2)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_identity_filters_hand_channels_on(
    filters: int, channels: int, groups: int, size: int
) -> None:
    text = (
        f"[net]\nbatch=1\nheight=5\nwidth=6\nchannels={channels}\n[convolutional]\ninit={{}}\n"
        f"filters={filters}\nsize={size}\npad=1\ngroups={groups}\nactivation=linear\n"
    )
    net = Network(parse_cfg(text.format("identity"), "some.cfg"))
    x = photos(net, 2)
    y = net.activations(x)[0][:, :, :5, :6]
    each, fed = filters // groups, channels // groups
    random = Network(parse_cfg(text.format("random"), "some.cfg")).layers[0].weights
    for group in range(groups):
        for k in range(each):
            if k < fed:
                np.testing.assert_array_equal(y[:, group * each + k], x[:, group * fed + k])
            else:
                place = group * each + k
                np.testing.assert_array_equal(net.layers[0].weights[place], random[place])
