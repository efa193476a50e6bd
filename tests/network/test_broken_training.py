"""Training that breaks, or does not fit: said at once, with place and cause."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest

from darkpy.config.sections import parse_cfg
from darkpy.errors import ArgumentError, TrainingError, WeightsError
from darkpy.network import training_memory as memory
from darkpy.network.network import Network
from darkpy.network.training_memory import available_memory, megabytes, training_memory

TEXT = """
[net]
batch=12
subdivisions=1
height=8
width=8
channels=3
learning_rate={rate}
{more}
[convolutional]
filters=20
size=3
pad=1
batch_normalize=1
activation=relu
[maxpool]
size=2
[convolutional]
filters=5
size=3
pad=1
activation=leaky
[avgpool]
[softmax]
"""


def network(rate: float = 0.1, more: str = "") -> Network:
    return Network(parse_cfg(TEXT.format(rate=rate, more=more), "small.cfg"))


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.random((12, 3, 8, 8), np.float32), np.eye(5, dtype=np.float32)[np.arange(12) % 5]


def test_a_huge_learning_rate_ends_training(data) -> None:
    net = network(1e30)
    with pytest.raises(TrainingError) as caught:
        for _ in range(20):
            net.train_step(*data)
    assert re.search(r"update \d+ \(learning rate 1e\+30\)", str(caught.value))
    assert re.search(r"layer \d \[\w+\]", str(caught.value))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_layer_whose_weights_broke_is_named(data, value) -> None:
    net = network()
    net.train_step(*data)
    net.layers[2].parameters["weights"].storage[3] = value
    before = net.layers[0].weights.copy()
    expected = (
        r"at update 2 \(learning rate 0\.1\): the weights of layer 2 \[convolutional\] are not"
    )
    with pytest.raises(TrainingError, match=expected):
        net.train_step(*data)
    np.testing.assert_array_equal(net.layers[0].weights, before)  # nothing was updated


def test_the_layer_whose_values_overflow_is_named(data) -> None:
    net = network()
    net.layers[2].parameters["weights"].storage[:] = 3e38
    with pytest.raises(TrainingError, match=r"comes from layer 2 \[convolutional\]"):
        net.train_step(*data)


@pytest.mark.parametrize("more", ["", "adam=1"])
def test_weights_that_overflow_in_the_update_are_named(data, more) -> None:
    net = network(0.1, more)
    net.layers[2].parameters["biases"].updates[1] = np.nan
    expected = r"update 1 \(learning rate 0\.1\) made the biases of layer 2 \[conv\w+\] NaN or inf"
    with pytest.raises(TrainingError, match=expected):
        net.train_step(*data)


def test_photos_that_are_not_finite_are_named(data) -> None:
    data[0][7, 1, 2, 3] = np.nan
    with pytest.raises(TrainingError, match="the photos hold values that are not finite"):
        network().train_step(*data)


def test_broken_weights_are_not_saved(data, tmp_path) -> None:
    net = network()
    path = tmp_path / "x.weights"
    net.save_weights(path)
    before = path.read_bytes()
    net.layers[0].parameters["rolling_variance"].storage[4] = np.inf
    with pytest.raises(WeightsError, match=r"layer 0 \[convolutional\] rolling_variance holds inf"):
        net.save_weights(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# -- memory --------------------------------------------------------------------------------------


def test_the_memory_of_training_is_known_before(data) -> None:
    text = TEXT.format(rate=0.1, more="").replace("=8\n", "=32\n").replace("=12\n", "=960\n")
    net = Network(parse_cfg(text))
    told = training_memory(net)
    x = np.zeros((960, 3, 32, 32), np.float32)
    truth = np.repeat(data[1], 80, axis=0)
    tracemalloc.start()
    net.train_step(x, truth)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told.scratch > 0
    assert 0 <= taken - (told.arena + told.scratch) < 0.01 * taken
    parameters = [p for layer in net.layers for p in layer.parameters.values()]
    assert told.weights == sum(p.storage.nbytes for p in parameters)
    trained = sum(p.updates.nbytes for p in parameters if p.trainable)
    assert told.updates == trained
    assert told.total == told.arena + told.scratch + told.weights + told.updates
    assert training_memory(net, 1920).arena > 1.9 * told.arena


def test_adam_takes_two_more_arrays() -> None:
    more = training_memory(network(more="adam=1")).updates - training_memory(network()).updates
    parameters = [p for layer in network().layers for p in layer.parameters.values()]
    assert more == 2 * sum(p.nbytes for p in parameters if p.trainable)


def test_a_batch_that_does_not_fit_is_refused_with_the_largest_that_does(monkeypatch, data) -> None:
    net = network()
    needed = {n: sum(net_sizes(net, n)) for n in (12, 6, 4, 3)}
    monkeypatch.setattr(memory, "available_memory", lambda: needed[4] + 100)
    expected = (
        r"small\.cfg: training 12 images at once takes .* is subdivisions=3, 4 images at once"
    )
    for start in (net.prepare_training, lambda: net.train_step(*data)):
        with pytest.raises(TrainingError, match=expected):
            start()
    assert net.seen == 0
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    with pytest.raises(TrainingError, match="not even one image at a time fits"):
        net.prepare_training()
    monkeypatch.setattr(memory, "available_memory", lambda: needed[12])
    net.prepare_training()
    monkeypatch.setattr(memory, "available_memory", lambda: 0)  # the memory is taken already
    net.train_step(*data)


def net_sizes(net: Network, images: int) -> tuple[int, int]:
    told = training_memory(net, images)
    return told.arena, told.scratch


def test_unknown_memory_refuses_nothing(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "absent")
    monkeypatch.setattr(memory, "CGROUPS", ((tmp_path / "a", tmp_path / "b"),))
    assert available_memory() is None
    network().prepare_training()


def test_the_smaller_of_machine_and_container_counts(monkeypatch, tmp_path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:   5000 kB\n")
    (tmp_path / "max").write_text("3000000\n")
    (tmp_path / "current").write_text("1000000\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUPS", ((tmp_path / "max", tmp_path / "current"),))
    assert available_memory() == 2_000_000
    (tmp_path / "max").write_text("max\n")
    assert available_memory() == 5000 * 1024


def test_summary_says_what_training_takes() -> None:
    net = network()
    assert "training" not in net.summary()
    assert net.summary(24).endswith(f"training 24 images at once takes {training_memory(net, 24)}")
    with pytest.raises(ArgumentError, match="at least 1"):
        net.summary(0)
    head = TEXT.format(rate=0.1, more="").split("[avgpool]")[0]
    with pytest.raises(ArgumentError, match="no layer with a cost"):
        Network(parse_cfg(head, "headless.cfg")).summary(1)


def test_bytes_for_people() -> None:
    sizes = (1_234_567, 612_400_000, 20_140_000_000)
    assert [megabytes(size) for size in sizes] == ["1.2 MB", "612 MB", "20.1 GB"]


def test_the_layer_is_found_behind_one_that_gives_its_memory_away(rng) -> None:
    """The network's input lies where later layers write: it is filled in again to look for it."""
    text = (
        "[net]\nbatch=2\nheight=16\nwidth=16\nchannels=4\n[maxpool]\nsize=2\nstride=2\n"
        + 3 * "[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=linear\n"
        + "[dropout]\nprobability=.5\n[connected]\noutput=3\nactivation=linear\n[softmax]\n"
    )
    net = Network(parse_cfg(text))
    net.layers[1].weights = np.full_like(net.layers[1].weights, 3e38)
    x = 2 + rng.random((2, 4, 16, 16), np.float32)
    with pytest.raises(TrainingError, match=r"the first such value comes from layer 1 \[conv"):
        net.train_step(x, np.eye(3, dtype=np.float32)[:2])
