"""The [net] section: defaults, derived values, rules between options."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkpy.config.dialects import ALEXEYAB
from darkpy.config.net_options import NetOptions, read_net
from darkpy.config.net_table import NET_OPTIONS, OPTIMISER_FLAGS
from darkpy.config.sections import Entry, Section, parse_cfg, read_cfg
from darkpy.errors import DarkpyError, OptionValueError, UnusedOptionWarning

SIZE = "height=4\nwidth=6\nchannels=3\n"


def net_of(body: str, **keywords: object) -> NetOptions:
    return read_net(parse_cfg("[net]\n" + body, "x.cfg")[0], **keywords)  # type: ignore[arg-type]


def test_defaults() -> None:
    net = net_of(SIZE)
    expected = {
        "batch": 1,
        "subdivisions": 1,
        "time_steps": 1,
        "learning_rate": 0.001,
        "momentum": 0.9,
        "decay": 0.0001,
        "adam": False,
        "B1": 0.9,
        "B2": 0.999,
        "eps": 1e-7,
        "inputs": 72,
        "max_crop": 12,
        "min_crop": 6,
        "max_ratio": 2.0,
        "min_ratio": 1.0,
        "angle": 0.0,
        "aspect": 1.0,
        "saturation": 1.0,
        "exposure": 1.0,
        "hue": 0.0,
        "policy": "constant",
        "burn_in": 0,
        "power": 4.0,
        "step": 1,
        "scale": 1.0,
        "steps": (),
        "scales": (),
        "gamma": 1.0,
        "max_batches": 0,
        "learning_rate_min": 1e-5,
        "sgdr_cycle": 0,
        "sgdr_mult": 2,
        "sequential_subdivisions": 1,
        "resize_step": 32,
        "flip": True,
    }
    assert {name: net[name] for name in expected} == expected
    assert [name for name in net if net[name] is None] == []
    assert net.mini_batch == 1
    assert net.has_image


def test_the_fork_decides_adams_epsilon() -> None:
    assert net_of(SIZE, dialect=ALEXEYAB).eps == 1e-6
    assert net_of(SIZE + "eps=.5", dialect=ALEXEYAB).eps == 0.5


def test_names_are_unique() -> None:
    names = [option.name for option in NET_OPTIONS]
    assert len(names) == len(set(names))


def test_input_without_an_image() -> None:
    net = net_of("inputs=256\nbatch=20\nsubdivisions=2\ntime_steps=10")
    assert (net.inputs, net.height, net.has_image, net.mini_batch) == (256, 0, False, 100)
    assert net_of(SIZE + "inputs=72").inputs == 72


def test_darknet_floors_the_mini_batch() -> None:
    with pytest.warns(UserWarning) as caught:
        net = net_of(SIZE + "batch=10\nsubdivisions=4\ntime_steps=3")
    assert net.mini_batch == 6
    assert [str(warning.message) for warning in caught] == [
        "x.cfg:5: [net] batch=10 is no multiple of subdivisions=4: each update sees 8 samples"
    ]


REFUSED = {
    "": "x.cfg:1: [net] height=0 (the default): height, width and channels, or inputs, must be "
    "given",
    "height=4\nwidth=4": "x.cfg:1: [net] channels=0 (the default): height, width and channels, or "
    "inputs, must be given",
    "height=-4": "x.cfg:2: [net] height must be an integer from 0 to 65536, got '-4'",
    "width=65537": "x.cfg:2: [net] width must be an integer from 0 to 65536, got '65537'",
    "height=65536\nwidth=65536\nchannels=3": "x.cfg:4: [net] channels=3: height * width * channels "
    "exceeds 32 bits",
    SIZE + "inputs=71": "x.cfg:5: [net] inputs=71: height * width * channels is 72",
    "inputs=0": "x.cfg:2: [net] inputs must be an integer >= 1, got '0'",
    SIZE + "batch=0": "x.cfg:5: [net] batch must be an integer from 1 to 1048576, got '0'",
    SIZE + "subdivisions=0": "x.cfg:5: [net] subdivisions must be an integer from 1 to 1048576, "
    "got '0'",
    SIZE + "subdivisions=8": "x.cfg:5: [net] subdivisions=8: no sample is left for a piece: batch "
    "is only 1",
    SIZE + "batch=1048576\ntime_steps=65536": "x.cfg:6: [net] time_steps=65536: batch / "
    "subdivisions * time_steps exceeds 32 bits",
    SIZE + "policy=steps": "x.cfg:5: [net] policy=steps: needs steps=",
    SIZE + "policy=steps\nsteps=1": "x.cfg:5: [net] policy=steps: needs scales=",
    SIZE + "policy=steps\nsteps=1,2\nscales=.1": "x.cfg:7: [net] scales=.1: has 1 values for 2 "
    "steps",
    SIZE + "policy=poly": "x.cfg:5: [net] policy=poly: needs max_batches= of at least 1",
    SIZE + "policy=sgdr": "x.cfg:5: [net] policy=sgdr: needs sgdr_cycle= or max_batches=",
    SIZE + "policy=step\nstep=0": "x.cfg:6: [net] step must be an integer >= 1, got '0'",
    SIZE + "policy=polly": "x.cfg:5: [net] policy must be one of constant, step, steps, exp, poly, "
    "sigmoid, random, sgdr, got 'polly', did you mean \"poly\"?",
    SIZE + "min_crop=20": "x.cfg:5: [net] min_crop=20: min_crop 20 is larger than max_crop 12",
    SIZE + "max_crop=5": "x.cfg:5: [net] max_crop=5: min_crop 6 is larger than max_crop 5",
    SIZE + "learning_rate=nan": "x.cfg:5: [net] learning_rate must be a number >= 0, got 'nan'",
}


@pytest.mark.parametrize("body", REFUSED)
def test_refuses(body: str) -> None:
    with pytest.raises(OptionValueError) as caught:
        net_of(body)
    assert str(caught.value) == REFUSED[body]


def test_unknown_keys() -> None:
    with pytest.warns(UnusedOptionWarning, match='key "momentun", did you mean "momentum"'):
        net_of(SIZE + "momentun=.5")
    with pytest.raises(OptionValueError, match="momentun"):
        net_of(SIZE + "momentun=.5", strict=True)


NUMBERS = st.one_of(st.integers(-3, 10**10).map(str), st.floats().map(repr), st.just("x"))


@given(
    st.dictionaries(
        st.sampled_from([option.name for option in NET_OPTIONS]),
        st.one_of(NUMBERS, st.lists(NUMBERS).map(",".join), st.sampled_from(["steps", "sgdr"])),
    )
)
def test_any_options_give_a_net_or_a_darkpy_error(written: dict[str, str]) -> None:
    entries = (Entry(key, value or "1", line) for line, (key, value) in enumerate(written.items()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            net = read_net(Section("net", 1, "x.cfg", tuple(entries)))
        except DarkpyError as error:
            assert str(error).startswith("x.cfg:")
            return
    assert net.mini_batch >= 1
    assert net.inputs >= 1


def test_shipped_files(shared: Path) -> None:
    """All of Darknet's networks pass; only what they contain by mistake is reported."""
    reported = {}
    for path in sorted((shared / "data" / "cfg-pjreddie").glob("*.cfg")):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            net = read_net(read_cfg(path)[0])
        assert net.mini_batch >= 1
        assert net.has_image or net.inputs == 256
        if caught:
            reported[path.name] = [str(warning.message).split("[net] ")[1] for warning in caught]
    doubled = [
        'ignores the second "batch", line 3 counts',
        'ignores the second "subdivisions", line 4 counts',
    ]
    assert reported == {
        "writing.cfg": ['does not know key "seen"'],
        "yolo9000.cfg": doubled,
        "yolov3-openimages.cfg": doubled,
    }


def test_a_network_has_one_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMISER_FLAGS, "random", "another")  # any other flag of [net]
    (section,) = parse_cfg("[net]\nheight=1\nwidth=1\nchannels=1\nadam=1\nrandom=1\n")
    with pytest.raises(OptionValueError, match=r"random=1: adam=1 is given, too"):
        read_net(section)
