"""Optimisers: each of them against its float64 reference, and what a training of it leaves."""

from __future__ import annotations

import inspect
import pkgutil
from pathlib import Path

import numpy as np
import pytest
from references import schedule as reference

from darkpy.config.net_options import read_net
from darkpy.config.sections import parse_cfg
from darkpy.engine.enums import OPTIMISERS
from darkpy.errors import WeightsError
from darkpy.layers.parameter import Parameter
from darkpy.network import optimisers
from darkpy.network.network import Network
from darkpy.network.optimisers import optimiser_class, optimiser_classes, optimiser_of
from darkpy.network.training_memory import training_memory

#: What [net] says to get an optimiser.
ASKED = {"sgd": "", "adam": "adam=1"}
#: Numbers of files on people's disks: these may never change.
CODES = {"sgd": 1, "adam": 2}

NET = "[net]\ninputs=5\nbatch=6\nsubdivisions=2\nlearning_rate=0.02\ndecay=0.01\nmomentum=.8\n"
LAYERS = "[connected]\noutput=4\nactivation=tanh\n[connected]\noutput=3\n[softmax]\n"


def network(name: str) -> Network:
    return Network(parse_cfg(f"{NET}B1=.7\nB2=.95\neps=.001\n{ASKED[name]}\n{LAYERS}", "some.cfg"))


def train(net: Network, updates: range) -> None:
    truth = np.eye(3, dtype=np.float32)
    for update in updates:
        rng = np.random.default_rng(update)
        for _ in range(2):
            net.train_step(rng.normal(size=(3, 5)).astype(np.float32), truth)


def bytes_of(net: Network) -> list[bytes]:
    return [p.value.tobytes() for layer in net.layers for p in layer.parameters.values()]


def test_every_optimiser_is_in_c_in_python_and_in_the_option_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(optimisers.__path__)} - {"base"}
    assert modules == set(OPTIMISERS) == set(ASKED) == set(CODES)
    assert [known.name for known in optimiser_classes()] == list(OPTIMISERS)
    for name in OPTIMISERS:
        net = network(name)
        assert net.options.optimiser == name
        assert type(net.optimiser) is optimiser_class(name)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_says_its_formula_and_source(name: str) -> None:
    doc = inspect.getdoc(optimiser_class(name)) or ""
    assert "updates" in doc
    assert "Source: " in doc


def test_numbers_in_files_stay() -> None:
    assert {known.name: known.file_code for known in optimiser_classes()} == CODES


@pytest.mark.parametrize("decays", [True, False])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_updates_are_those_of_the_reference(name: str, decays: bool) -> None:
    rng = np.random.default_rng(5)
    more = "B1=.7\nB2=.95\neps=.001"
    o = read_net(parse_cfg(f"{NET}{more}\n{ASKED[name]}\n")[0])
    optimiser = optimiser_of(o)
    w = rng.normal(size=(7, 5))
    parameter = Parameter("weights", w.shape, lambda: w.astype(np.float32), decays=decays)
    update = mean = square = np.zeros_like(w)
    for step in range(1, 6):
        rate, gradient = 0.1 / step, rng.normal(0, 3, w.shape)
        parameter.updates[...] += gradient.astype(np.float32).ravel()
        update = update + gradient
        assert optimiser.update(parameter, rate, step)
        if name == "sgd":
            decay = o.decay if decays else 0.0
            w, update = reference.sgd_update(w, update, rate, 6, o.momentum, decay)
        else:
            w, mean, square = reference.adam_update(
                *(w, update, mean, square, rate, 6, o.decay, step, o.B1, o.B2, o.eps)
            )
            update = np.zeros_like(w)
        np.testing.assert_allclose(parameter.value, w, rtol=0, atol=2e-6)
    stored = [parameter.to_darknet(array) for array in optimiser.stored(parameter)]
    expected = [update] if name == "sgd" else [mean, square]
    for got, want in zip(stored, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_going_on_from_files_is_not_stopping(name: str, tmp_path: Path) -> None:
    whole, parts = network(name), network(name)
    train(whole, range(6))
    train(parts, range(3))
    parts.save_weights(tmp_path / "x.weights")
    parts.save_momentum(tmp_path / "x.momentum")
    again = network(name)
    again.load_weights(tmp_path / "x.weights")
    again.load_momentum(tmp_path / "x.momentum")
    again.save_momentum(tmp_path / "y.momentum")
    assert (tmp_path / "x.momentum").read_bytes() == (tmp_path / "y.momentum").read_bytes()
    train(again, range(3, 6))
    assert bytes_of(again) == bytes_of(whole)
    forgetful = network(name)
    forgetful.load_weights(tmp_path / "x.weights")
    train(forgetful, range(3, 6))
    assert bytes_of(forgetful) != bytes_of(whole)  # else the state would not matter


@pytest.mark.parametrize("other", OPTIMISERS)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_state_of_another_optimiser_is_refused(name: str, other: str, tmp_path: Path) -> None:
    network(other).save_momentum(tmp_path / "x.momentum")
    net = network(name)
    if name == other:
        net.load_momentum(tmp_path / "x.momentum")
        return
    message = rf"x\.momentum: its state is that of {other}, the cfg's is {name} "
    with pytest.raises(WeightsError, match=message):
        net.load_momentum(tmp_path / "x.momentum")


@pytest.mark.parametrize("name", OPTIMISERS)
def test_memory_counts_what_an_optimiser_keeps(name: str) -> None:
    net = network(name)
    told = training_memory(net).updates
    train(net, range(1))
    trained = [p for layer in net.layers for p in layer.parameters.values() if p.trainable]
    kept = [array for p in trained for array in (p.updates, *net.optimiser.arrays(p))]
    assert told == sum(array.nbytes for array in kept)
