"""The .weights format: every header, exact accounting, partial files, saving at once or not."""

from __future__ import annotations

import os
import struct
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references.network import ReferenceNetwork

import darkpy
from darkpy.config.sections import parse_cfg
from darkpy.errors import WeightsError
from darkpy.network import weights
from darkpy.network.network import Network
from darkpy.network.weights import weights_count

TEXT = """
[net]
batch=1
height=4
width=3
channels=2
[convolutional]
filters=3
size=3
pad=1
batch_normalize=1
activation=leaky
[batchnorm]
[local]
filters=2
size=2
activation=tanh
[connected]
output=4
batch_normalize=1
activation=tanh
[connected]
output=2
activation=linear
[softmax]
"""
COUNT = (3 + 9 + 54) + 12 + (12 + 6 * 2 * 12) + (4 + 48 + 12) + (2 + 8)


def network(text: str = TEXT, seed: int = 0) -> Network:
    return Network(parse_cfg(text, "net.cfg"), seed=seed)


def edited(old: str, new: str) -> str:
    """TEXT with more lines in one of its sections."""
    assert old in TEXT
    return TEXT.replace(old, old + new, 1)


def values(count: int = COUNT) -> np.ndarray:
    return np.random.default_rng(1).uniform(0.1, 1, count).astype("<f4")


def file_of(
    folder: Path, data: np.ndarray, version: tuple[int, int, int] = (0, 2, 0), seen: int = 640
) -> Path:
    layout = "Q" if version[0] * 10 + version[1] >= 2 and max(version[:2]) < 1000 else "i"
    path = folder / "some.weights"
    path.write_bytes(struct.pack("<3i" + layout, *version, seen) + data.tobytes())
    return path


def arrays(net: Network) -> dict[tuple[int, str], np.ndarray]:
    return {(la.index, n): p.value.copy() for la in net.layers for n, p in la.parameters.items()}


VERSIONS = [
    (0, 1, 0),
    (0, 2, 0),
    (0, 2, 5),
    (0, 3, 0),
    (1, 0, 0),
    (2, 7, -3),
    (0, 0, 0),
    (1001, 0, 0),
    (0, 1001, 5),
    (1000, 0, 0),
    (0, 1000, 0),
]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_header_round_trips_to_the_byte(
    tmp_path: Path, version: tuple[int, int, int]
) -> None:
    path = file_of(tmp_path, values(), version, 123456)
    net = network()
    net.load_weights(path)
    assert net.seen == 123456
    assert net.file_version == version
    net.save_weights(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_arrays_are_where_the_reference_finds_them(
    tmp_path: Path, version: tuple[int, int, int]
) -> None:
    path = file_of(tmp_path, values(), version)
    net, reference = network(), ReferenceNetwork(TEXT)
    net.load_weights(path)
    reference.load_weights(path.read_bytes())
    for (index, name), array in arrays(net).items():
        np.testing.assert_array_equal(array, reference.layers[index].parameters[name])


def test_a_version_may_be_asked_for(tmp_path: Path) -> None:
    net = network()
    net.save_weights(tmp_path / "new")
    assert (tmp_path / "new").read_bytes()[:20] == struct.pack("<3iQ", 0, 2, 0, 0)
    net.save_weights(tmp_path / "old", version=(0, 1, 0))
    assert (tmp_path / "old").read_bytes()[:16] == struct.pack("<4i", 0, 1, 0, 0)
    assert (tmp_path / "old").stat().st_size == 16 + 4 * COUNT
    net.seen = 1 << 40
    net.save_weights(tmp_path / "new")
    with pytest.raises(WeightsError, match="1099511627776 images"):
        net.save_weights(tmp_path / "old", version=(0, 1, 0))
    again = network()
    again.load_weights(tmp_path / "new")
    assert again.seen == 1 << 40
    again.load_weights(tmp_path / "new", clear=True)
    assert again.seen == 0


def test_the_dialect_decides_the_revision(tmp_path: Path) -> None:
    net = Network(parse_cfg(TEXT), dialect="alexeyab")
    net.save_weights(tmp_path / "new")
    assert (tmp_path / "new").read_bytes()[:12] == struct.pack("<3i", 0, 2, 5)


def test_the_count_is_right() -> None:
    assert weights_count(network()) == COUNT


BAD = {
    "empty": (b"", "empty"),
    "a header cut off": (b"\0" * 11, "too short for a header"),
    "no room for seen": (struct.pack("<3i", 0, 2, 0) + b"\0" * 7, "too short for a header"),
    "a header alone": (struct.pack("<3iQ", 0, 2, 0, 0), f"{COUNT} values expected, 0 found"),
    "one short": (
        struct.pack("<3iQ", 0, 2, 0, 0) + values(COUNT - 1).tobytes(),
        rf"{COUNT} values expected, {COUNT - 1} found.*layer 4 \[connected\] weights, 7 of 8",
    ),
    "one byte short": (
        struct.pack("<3iQ", 0, 2, 0, 0) + values().tobytes()[:-1],
        rf"{COUNT} values expected, {COUNT - 1} found",
    ),
    "short in the middle": (
        struct.pack("<3iQ", 0, 2, 0, 0) + values(70).tobytes(),
        rf"{COUNT} values expected, 70 found.*layer 1 \[batchnorm\] scales, 1 of 3",
    ),
    "one long": (
        struct.pack("<3iQ", 0, 2, 0, 0) + values(COUNT + 1).tobytes(),
        rf"too long .*{COUNT} values expected, 1 value",
    ),
    "two bytes long": (
        struct.pack("<3iQ", 0, 2, 0, 0) + values().tobytes() + b"ab",
        "2 bytes left over",
    ),
    "text": (b"[net]\nbatch=1\n" * 80, "weights|too|version"),
    "negative version": (struct.pack("<3iQ", -1, 2, 0, 0) + values().tobytes(), "version"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_changes_nothing(tmp_path: Path, name: str) -> None:
    data, message = BAD[name]
    path = tmp_path / "bad.weights"
    path.write_bytes(data)
    net = network()
    before = arrays(net)
    with pytest.raises(WeightsError, match=message) as caught:
        net.load_weights(path)
    assert str(caught.value).startswith(str(path))
    for key, array in arrays(net).items():
        np.testing.assert_array_equal(array, before[key])
    assert net.seen == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("at", "where"),
    [
        (0, r"layer 0 \[convolutional\] biases .*\(value 0 of 3\)"),
        (66, r"layer 1 \[batchnorm\] biases .*\(value 0 of 3\)"),
        (COUNT - 1, r"layer 4 \[connected\] weights .*\(value 7 of 8\)"),
    ],
)
def test_a_value_that_is_not_finite_is_named(
    tmp_path: Path, value: float, at: int, where: str
) -> None:
    data = values()
    data[at] = value
    path = file_of(tmp_path, data)
    net = network()
    before = arrays(net)
    with pytest.raises(WeightsError, match=where) as caught:
        net.load_weights(path)
    assert caught.value.offset == 20 + 4 * at
    for key, array in arrays(net).items():
        np.testing.assert_array_equal(array, before[key])


def test_a_new_network_keeps_nothing_of_a_file_that_is_not_finite(tmp_path: Path) -> None:
    data = values()
    data[-1] = np.nan
    net = network()
    with pytest.raises(WeightsError, match=r"layer 4 \[connected\] weights"):
        net.load_weights(file_of(tmp_path, data))
    initial = arrays(network())
    for key, array in arrays(net).items():
        np.testing.assert_array_equal(array, initial[key])
    net.load_weights(file_of(tmp_path, values()))
    again = network()
    again.load_weights(file_of(tmp_path, values()))
    for key, array in arrays(again).items():
        np.testing.assert_array_equal(array, arrays(net)[key])


@pytest.mark.parametrize("piece", [1, 40, 300])
def test_a_file_may_be_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    path = file_of(tmp_path, values())
    whole, pieces = network(), network()
    whole.load_weights(path)
    monkeypatch.setattr(weights, "PIECE_BYTES", piece)
    pieces.load_weights(path)
    for key, array in arrays(whole).items():
        np.testing.assert_array_equal(array, arrays(pieces)[key])
    test_a_value_that_is_not_finite_is_named(
        tmp_path, np.nan, 66, r"layer 1 \[batchnorm\] biases .*\(value 0 of 3\)"
    )


def test_parameters_are_neighbours_that_share_nothing(tmp_path: Path) -> None:
    net = network()
    net.load_weights(file_of(tmp_path, values()))
    stored = [p.storage for layer in net.layers for p in layer.parameters.values()]
    assert all(array.ctypes.data % 64 == 0 for array in stored)
    for k, array in enumerate(stored):
        assert not any(np.may_share_memory(array, other) for other in stored[k + 1 :])


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    net = network()
    for path in (tmp_path / "missing.weights", tmp_path):
        with pytest.raises(WeightsError, match="cannot be read"):
            net.load_weights(path)
        with pytest.raises(WeightsError):
            net.save_weights(path / "no" / "such" / "folder.weights")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_load_or_say_why(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzz.weights"
        path.write_bytes(data)
        with pytest.raises(WeightsError):
            network().load_weights(path)


def test_a_file_of_the_first_layers(tmp_path: Path) -> None:
    net, other = network(), network(seed=5)
    net.load_weights(file_of(tmp_path, values()))
    net.save_weights(tmp_path / "net.conv.2", layers=2)
    assert (tmp_path / "net.conv.2").stat().st_size == 20 + 4 * (66 + 12)
    before = arrays(other)
    with pytest.raises(WeightsError, match="too short"):
        other.load_weights(tmp_path / "net.conv.2")
    other.load_weights(tmp_path / "net.conv.2", layers=2)
    for key, array in arrays(other).items():
        np.testing.assert_array_equal(array, arrays(net)[key] if key[0] < 2 else before[key])
    other.load_weights(tmp_path / "some.weights", layers=3)  # of a whole file
    np.testing.assert_array_equal(other.layers[2].weights, net.layers[2].weights)
    np.testing.assert_array_equal(other.layers[3].weights, before[3, "weights"])


def test_dontload(tmp_path: Path) -> None:
    net = network(edited("[batchnorm]\n", "dontload=1\n"))
    assert weights_count(net) == COUNT - 12
    net.load_weights(file_of(tmp_path, values(COUNT - 12)))
    np.testing.assert_array_equal(net.layers[1].scales, np.ones(3))
    np.testing.assert_array_equal(net.layers[2].biases, values()[66:78])


def test_dontloadscales(tmp_path: Path) -> None:
    net = network(edited("filters=3\n", "dontloadscales=1\n"))
    assert weights_count(net) == COUNT - 9
    net.load_weights(file_of(tmp_path, values(COUNT - 9)))
    np.testing.assert_array_equal(net.layers[0].biases, values()[:3])
    np.testing.assert_array_equal(net.layers[0].weights.reshape(-1), values()[3:57])
    np.testing.assert_array_equal(net.layers[0].rolling_mean, np.zeros(3))


def test_dontsave(tmp_path: Path) -> None:
    net = network(edited("[batchnorm]\n", "dontsave=1\n"))
    net.save_weights(tmp_path / "file")
    assert (tmp_path / "file").stat().st_size == 20 + 4 * (COUNT - 12)


def test_numload(tmp_path: Path) -> None:
    net = network(edited("filters=3\n", "numload=2\n"))
    fresh = network().layers[0].weights.copy()
    count = COUNT - 66 + (2 + 6 + 36)
    assert weights_count(net) == count
    net.load_weights(file_of(tmp_path, values(count)))
    np.testing.assert_array_equal(net.layers[0].biases, [*values()[:2], 0])
    np.testing.assert_array_equal(net.layers[0].weights[:2].reshape(-1), values()[8:44])
    np.testing.assert_array_equal(net.layers[0].weights[2], fresh[2])


def test_flipped(tmp_path: Path) -> None:
    net = network(edited("filters=3\n", "flipped=1\n"))
    net.load_weights(file_of(tmp_path, values()))
    expected = values()[12:66].reshape(18, 3).T.reshape(3, 2, 3, 3)
    np.testing.assert_array_equal(net.layers[0].weights, expected)


def test_a_failing_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network()
    path = tmp_path / "net.weights"
    net.save_weights(path)
    old = path.read_bytes()
    net.load_weights(file_of(tmp_path, values()))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match="No space left on device"):
        net.save_weights(path)
    assert path.read_bytes() == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.weights", "some.weights"]


def test_prediction_follows_the_file(tmp_path: Path) -> None:
    net = network()
    x = np.random.default_rng(0).random((3, 2, 4, 3)).astype(np.float32)
    first = net.predict(x)
    net.load_weights(file_of(tmp_path, values()))
    second = net.predict(x)
    assert (first != second).any()
    reference = ReferenceNetwork(TEXT)
    reference.load_weights((tmp_path / "some.weights").read_bytes())
    np.testing.assert_allclose(second, reference.forward(x)[-1], rtol=1e-4, atol=1e-6)


def test_load_takes_both_files(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(TEXT)
    path = file_of(tmp_path, values())
    net = darkpy.load(tmp_path / "net.cfg", path)
    assert net.name == "net"
    assert net.seen == 640
    with pytest.raises(WeightsError), warnings.catch_warnings():
        warnings.simplefilter("error")
        darkpy.load(str(tmp_path / "net.cfg"), str(tmp_path / "net.cfg"))
