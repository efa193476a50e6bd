"""The names that users rely on, from the first release on (docs/design.md, "Public names")."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy import errors, kernels

CFG = """
[net]
batch=2
height=4
width=4
channels=3
[convolutional]
filters=4
size=3
pad=1
batch_normalize=1
activation=leaky
[connected]
output=3
activation=linear
[softmax]
"""
#: Object -> names, and for functions the first parameters.
NETWORK = {
    "predict": ["x"],
    "outputs_of": ["x", "layers"],
    "activations": ["x"],
    "train_step": ["x", "truth", "keep"],
    "save_weights": ["path"],
    "load_weights": ["path"],
    "summary": ["images"],
}
KERNELS = (
    *("mean_cpu", "variance_cpu", "normalize_cpu", "maxpool_forward", "maxpool_backward"),
    *("lrn_forward", "lrn_backward", "dropout_forward", "im2col_cpu", "gemm_cpu", "axpy_cpu"),
)


@pytest.fixture
def net(tmp_path: Path) -> darkpy.Network:
    path = tmp_path / "net.cfg"
    path.write_text(CFG)
    return darkpy.load(path)


@pytest.mark.parametrize("name", NETWORK)
def test_methods_of_a_network(net: darkpy.Network, name: str) -> None:
    parameters = list(inspect.signature(getattr(net, name)).parameters)
    assert parameters[: len(NETWORK[name])] == NETWORK[name]


def test_what_layers_show(net: darkpy.Network, rng: np.random.Generator) -> None:
    layer = net.layers[0]
    for name in ("weights", "biases", "scales", "rolling_mean", "rolling_variance"):
        array = getattr(layer, name)
        assert not array.flags.writeable
        wanted = array + np.float32(1)
        setattr(layer, name, wanted)
        np.testing.assert_array_equal(getattr(layer, name), wanted)
    x, truth = rng.random((2, 3, 4, 4), np.float32), np.eye(3, dtype=np.float32)[:2]
    net.activations(x)
    assert layer.output.shape == (2, 4, 4, 4)
    net.train_step(x, truth, keep=True)
    assert layer.delta.shape == (2, 4, 4, 4)


@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str) -> None:
    assert callable(getattr(kernels, name))


def test_darknets_own_argument_lists_under_both_names() -> None:
    x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
    kernels.darknet_calls.axpy_cpu(4, 2.0, x, 1, y, 1)
    assert y.tolist() == [2, 2, 2, 2]
    with pytest.warns(DeprecationWarning, match="darknet_calls"):
        kernels.flat.axpy_cpu(4, 2.0, x, 1, y, 1)
    assert y.tolist() == [4, 4, 4, 4]


def test_what_else_the_package_offers() -> None:
    assert list(inspect.signature(darkpy.train).parameters)[:2] == ["cfg", "data"]
    assert list(inspect.signature(darkpy.load).parameters)[:2] == ["cfg", "weights"]
    assert {errors.DarkpyError, ValueError} <= set(errors.ShapeError.__mro__)
    assert {errors.DarkpyError, TypeError} <= set(errors.DTypeError.__mro__)
    before = darkpy.get_num_threads()
    darkpy.set_num_threads(1)
    assert darkpy.get_num_threads() == 1
    darkpy.set_num_threads(before)
    assert isinstance(darkpy.simd(), str)
