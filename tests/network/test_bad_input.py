"""Wrong arrays, impossible sizes and damaged files: an error that explains, never a crash."""

from __future__ import annotations

import re
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import darkpy
from darkpy.config.sections import parse_cfg
from darkpy.errors import ConfigError, DarkpyError, DTypeError, ShapeError
from darkpy.network.network import Network

ROOT = Path(__file__).resolve().parents[2]
TEXT = """[net]
batch=2
height=5
width=4
channels=3
[convolutional]
filters=4
size=3
pad=1
activation=leaky
[avgpool]
[softmax]
"""


@pytest.fixture
def net() -> Network:
    return Network(parse_cfg(TEXT, "net.cfg"))


# -- arrays ----------------------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "a list": (lambda: [[0.0]], DTypeError, "x must be a NumPy array of float32, got list"),
    "None": (lambda: None, DTypeError, "got NoneType"),
    "float64": (lambda: np.zeros((1, 3, 5, 4)), DTypeError, "got dtype float64"),
    "bytes": (lambda: np.zeros((1, 3, 5, 4), np.uint8), DTypeError, "got dtype uint8"),
    "big endian": (lambda: np.zeros((1, 3, 5, 4), ">f4"), DTypeError, "dtype >f4"),
    "objects": (lambda: np.zeros((1, 3, 5, 4), object), DTypeError, "dtype object"),
    "one image": (lambda: np.zeros((3, 5, 4), "f4"), ShapeError, r"\(any, 3, 5, 4\), got \(3, 5"),
    "channels last": (lambda: np.zeros((1, 5, 4, 3), "f4"), ShapeError, r"got \(1, 5, 4, 3\)"),
    "flat": (lambda: np.zeros((1, 60), "f4"), ShapeError, r"got \(1, 60\)"),
    "a number": (lambda: np.float32(1), DTypeError, "got float32"),
    "no dimension": (lambda: np.zeros((), "f4"), ShapeError, r"got \(\)"),
    "transposed": (lambda: np.zeros((1, 5, 4, 3), "f4").transpose(0, 3, 1, 2), ShapeError,
                   "C-contiguous"),
    "every second": (lambda: np.zeros((4, 3, 5, 4), "f4")[::2], ShapeError, "C-contiguous"),
    "reversed": (lambda: np.zeros((2, 3, 5, 4), "f4")[::-1], ShapeError, "C-contiguous"),
    "misaligned": (lambda: np.zeros(241, "u1")[1:].view("f4").reshape(1, 3, 5, 4), ShapeError,
                   "aligned"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input(net: Network, name: str) -> None:
    make, kind, message = WRONG[name]
    for run in (net.predict, net.activations, lambda x: net.train_step(x, np.zeros((2, 4), "f4"))):
        with pytest.raises(kind, match="x must" + "|" + message) as caught:
            run(make())
        assert isinstance(caught.value, DarkpyError)
    with pytest.raises(kind, match=message):
        net.predict(make())
    assert net.seen == 0


def test_training_wants_exactly_one_mini_batch(net: Network) -> None:
    truth = np.zeros((2, 4), np.float32)
    for batch in (0, 1, 3):
        with pytest.raises(ShapeError, match=rf"\(2, 3, 5, 4\), got \({batch}, "):
            net.train_step(np.zeros((batch, 3, 5, 4), np.float32), truth)
    for wrong in ((2, 3), (2,), (4, 2), (2, 4, 1, 1)):
        with pytest.raises(ShapeError, match=r"truth must have shape \(2, 4\)"):
            net.train_step(np.zeros((2, 3, 5, 4), np.float32), np.zeros(wrong, np.float32))
    with pytest.raises(DTypeError, match="truth"):
        net.train_step(np.zeros((2, 3, 5, 4), np.float32), np.zeros((2, 4), np.int64))
    assert net.seen == 0


def test_nan_is_allowed_and_stays_in_its_image(net: Network) -> None:
    x = np.zeros((3, 3, 5, 4), np.float32)
    x[1] = np.nan
    out = net.predict(x)
    assert np.isnan(out[1]).any()
    assert np.isfinite(out[[0, 2]]).all()
    x[1] = np.inf
    assert np.isfinite(net.predict(x)[[0, 2]]).all()


@pytest.mark.parametrize("name", ["weights", "biases"])
def test_wrong_parameters(net: Network, name: str) -> None:
    layer = net.layers[0]
    good = getattr(layer, name).copy()
    for wrong, kind, message in (
        (good.astype(np.float64), DTypeError, "float64"),
        (good[:-1], ShapeError, "must have shape"),
        (good.reshape(-1, 1), ShapeError, "must have shape"),
        (good.tolist(), DTypeError, "got list"),
        (np.full_like(good, np.nan), DarkpyError, "must be finite"),
        (np.full_like(good, np.inf), DarkpyError, "must be finite"),
    ):
        with pytest.raises(kind, match=rf"layer 0 \[convolutional\] {name} .*{message}"):
            setattr(layer, name, wrong)
        np.testing.assert_array_equal(getattr(layer, name), good)
    with pytest.raises(ValueError, match="read-only"):
        getattr(layer, name)[...] = 0
    good.flags.writeable = False
    setattr(layer, name, good)


def test_an_assigned_array_is_copied(net: Network) -> None:
    array = np.ones((4, 3, 3, 3), np.float32)
    net.layers[0].weights = array
    array[...] = 7
    assert (net.layers[0].weights == 1).all()


# -- sizes -----------------------------------------------------------------------------------------

HUGE = {
    "planes": "height=60000\nwidth=60000\nchannels=3\n[convolutional]\nfilters=60000\n",
    "weights": "height=9\nwidth=9\nchannels=65000\n[convolutional]\nfilters=2000000000\nsize=9\n",
    "padding": "height=9\nwidth=9\nchannels=3\n[convolutional]\nfilters=99999\npadding=65536\n",
    "too much padding": "height=9\nwidth=9\nchannels=3\n[convolutional]\npadding=2000000000\n",
    "size": "height=9\nwidth=9\nchannels=3\n[convolutional]\nsize=2000000001\npad=1\n",
    "input": "height=65536\nwidth=65536\nchannels=65536\n[avgpool]\n",
    "connected": "height=60000\nwidth=60000\nchannels=3\n[connected]\noutput=60000\n",
    "inputs": "inputs=2147483647\n[connected]\noutput=2147483647\n",
    "local": "height=999\nwidth=999\nchannels=99\n[local]\nfilters=99999\nsize=3\n",
    "upsample": "height=999\nwidth=999\nchannels=99\n" + "[upsample]\nstride=4096\n" * 9,
    "route": "height=999\nwidth=999\nchannels=3\n[convolutional]\nfilters=999\n[route]\nlayers="
    + ",".join(["0"] * 99) + "\n",
    "doubling": "height=9\nwidth=9\nchannels=3\n[convolutional]\n[route]\nlayers=-1,-1\n"
    + "[route]\nlayers=-1,-1\n" * 60,
    "pooling padding": "height=9\nwidth=9\nchannels=999999\n[maxpool]\npadding=65536\nsize=2\n",
    "crop": "height=9\nwidth=9\nchannels=3\n[crop]\ncrop_height=2000000000\n",
    "extra": "height=9\nwidth=9\nchannels=3\n" + "[reorg]\nextra=2000000000\n" * 9,
    "beyond 32 bits": "height=9\nwidth=9\nchannels=3\n[convolutional]\nfilters=4294967297\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HUGE)
def test_overflowing_dimensions_are_refused_before_memory_is_taken(name: str) -> None:
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(ConfigError) as caught:
            Network(parse_cfg("[net]\n" + HUGE[name], "huge.cfg"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert re.match(r"huge\.cfg:\d+: \[", str(caught.value))
    assert peak < 10 << 20
    assert time.perf_counter() - start < 5


LARGE = {
    "batch": "batch=1048576\nheight=300\nwidth=300\nchannels=3\n[convolutional]\nfilters=99\n",
    "a network that fits no machine": "height=9999\nwidth=9999\nchannels=3\n"
    + "[convolutional]\nfilters=64\n" * 8,
}


@pytest.mark.parametrize("name", LARGE)
def test_what_loads_but_fits_no_memory_takes_none_until_it_runs(name: str) -> None:
    tracemalloc.start()
    try:
        Network(parse_cfg("[net]\n" + LARGE[name] + "[avgpool]\n[softmax]\n"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 << 20


BAD_FILES = {
    "empty": (b"", "no section"),
    "only comments": (b"# nothing\n; here\n", "no section"),
    "only [net]": (b"[net]\nheight=3\nwidth=3\nchannels=3\n", "no layers"),
    "no size": (b"[net]\n[avgpool]\n", "height|inputs"),
    "no [net]": (b"[convolutional]\n", "first section"),
    "a second [net]": (b"[net]\ninputs=3\n[net]\ninputs=3\n", r":3: .*\[net\]"),
    "only a cost": (b"[net]\ninputs=3\n[cost]\n", "nothing but cost layers"),
    "two truths": (b"[net]\ninputs=3\n[softmax]\n[connected]\noutput=5\n[softmax]\n",
                   r":6: \[softmax\] its cost compares 5 values .* layer 0 \[softmax\] 3"),
    "shortcut first": (b"[net]\ninputs=3\n[shortcut]\nfrom=-1\n", "cannot be the first layer"),
    "route first": (b"[net]\ninputs=3\n[route]\nlayers=-1\n", "only 0 layers before"),
    "route without layers": (b"[net]\ninputs=3\n[avgpool]\n[route]\n", "needs layers="),
    "zeros": (b"\0" * 1000, "a NUL byte"),
    "binary junk": (bytes(range(256)) * 20, "a NUL byte"),
    "a photo": (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(255, 0, -1)), "a NUL byte"),
    "one long line": (b"[" * 100000, "lacks|section|\\["),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(tmp_path: Path, name: str) -> None:
    data, message = BAD_FILES[name]
    path = tmp_path / "bad.cfg"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=message) as caught:
        darkpy.load(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 1000


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.cfg", tmp_path, "no-such-packaged-network"):
        with pytest.raises(DarkpyError, match=re.escape(str(path))):
            darkpy.load(path)


# -- fuzz ------------------------------------------------------------------------------------------

SOURCES = [
    path.read_text(encoding="utf-8")
    for path in sorted((*ROOT.glob("tests/golden/*/*.cfg"), *ROOT.glob("cfg/*.cfg")))
]
NUMBERS = ("0", "-1", "1", "2", "3", "7", "16", "65536", "2147483647", "-2147483648", "1e9", "0.5",
           "1e-9", "nan", "", "x", "1,2", "-1,-2", ",", "4x", "99999999999999999999")  # fmt: skip
WORDS = ("filters", "size", "stride", "pad", "padding", "groups", "layers", "from", "activation",
         "batch_normalize", "output", "inputs", "height", "width", "channels", "batch", "extra",
         "reverse", "flatten", "crop_height", "probability", "alpha", "dilation",
         "subdivisions")  # fmt: skip
HEADS = ("convolutional", "connected", "maxpool", "route", "shortcut", "upsample", "reorg", "local",
         "softmax", "cost", "crop", "avgpool", "dropout", "net", "yolo", "region", "batchnorm",
         "normalization", "reorg3d", "l2norm", "logistic")  # fmt: skip


@st.composite
def damaged(draw: Callable[..., object]) -> str:
    """A good cfg after a few random accidents."""
    lines = draw(st.sampled_from(SOURCES)).splitlines()  # type: ignore[attr-defined]
    for _ in range(draw(st.integers(1, 4))):  # type: ignore[call-overload]
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(("drop", "twice", "number", "key", "head", "swap", "cut")))
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "twice":
            lines.insert(at, lines[at])
        elif kind == "number":
            options = [i for i, line in enumerate(lines) if "=" in line]
            if options:
                at = options[at % len(options)]
                lines[at] = lines[at].split("=")[0] + "=" + draw(st.sampled_from(NUMBERS))
        elif kind == "key":
            lines.insert(at, f"{draw(st.sampled_from(WORDS))}={draw(st.sampled_from(NUMBERS))}")
        elif kind == "head":
            lines.insert(at, f"[{draw(st.sampled_from(HEADS))}]")
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
    return "\n".join(lines)


def affordable(net: Network) -> bool:
    """Whether running it costs next to nothing."""
    work = sum(layer.multiply_adds() + layer.output_shape.size for layer in net.layers)
    weights = sum(p.count for layer in net.layers for p in layer.parameters.values())
    return net.mini_batch <= 4 and work < 3e7 and weights < 3e6


@settings(
    max_examples=200, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(damaged())
def test_a_damaged_cfg_gives_a_network_or_an_error(text: str) -> None:
    start = time.perf_counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            net = Network(parse_cfg(text, "fuzz.cfg"))
        except ConfigError as error:
            assert re.match(r"fuzz\.cfg(:\d+)?: ", str(error))
            return
        finally:
            assert time.perf_counter() - start < 5  # a second on an idle machine
        net.summary()
        if not affordable(net):
            return
        x = np.full(net.input_shape.array_shape(net.mini_batch), 0.5, np.float32)
        assert net.predict(x).shape == (len(x), net.outputs)
        if net.truths:
            try:
                net.train_step(x, np.zeros((len(x), net.truths), np.float32))
            except ConfigError as error:
                assert "cannot be trained" in str(error)
