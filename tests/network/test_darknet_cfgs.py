"""The cfg files that Darknet ships: which load, how long their weights files are, that they run."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy.config.sections import parse_cfg
from darkpy.errors import ConfigError, UnknownSectionError
from darkpy.network.network import Network
from darkpy.network.weights import weights_count

# name: values in its weights file, computed from Darknet's rules apart from this package.
TRAINED = {
    "alexnet": 62378344,
    "cifar": 7687050,
    "cifar.test": 7687050,
    "darknet": 7323480,
    "darknet19": 20856776,
    "darknet19_448": 20856776,
    "darknet53": 41645640,
    "darknet53_448": 41645640,
    "densenet201": 17206440,
    "extraction": 23455400,
    "extraction.conv": 23428136,
    "extraction22k": 97605650,
    "go": 7093761,
    "go.test": 7093761,
    "resnet101": 41870248,
    "resnet152": 57559976,
    "resnet18": 11523496,
    "resnet34": 21639080,
    "resnet50": 22825896,
    "resnext101-32x4d": 41639208,
    "resnext152-32x4d": 56730920,
    "resnext50": 22312872,
    "strided": 85583400,
    "tiny": 1046488,
    "vgg-16": 138357544,
    "writing": 19681,
}
WITHOUT_COST = {"jnet-conv": 18870048, "vgg-conv": 14714688}
DETECTORS = {
    "yolov2": 50983561,
    "yolov2-tiny": 11237145,
    "yolov2-tiny-voc": 15867885,
    "yolov2-voc": 50676061,
    "yolov3": 62001757,
    "yolov3-openimages": 64807342,
    "yolov3-spp": 63052381,
    "yolov3-tiny": 8858734,
    "yolov3-voc": 61678657,
}
REFUSED = {
    "darknet9000": (ConfigError, r":201: \[softmax\] tree=data/9k\.tree"),
    "gru": (UnknownSectionError, r":15: .*\[gru\]"),
    "rnn": (UnknownSectionError, r":14: .*\[rnn\]"),
    "rnn.train": (UnknownSectionError, r":14: .*\[rnn\]"),
    "t1.test": (UnknownSectionError, r":103: .*\[detection\]"),
    "yolo9000": (ConfigError, r":217: \[region\] tree=data/9k\.tree"),
    "yolov1": (UnknownSectionError, r":247: .*\[detection\]"),
    "yolov1-tiny": (UnknownSectionError, r":116: .*\[detection\]"),
}
LOADED = {**TRAINED, **WITHOUT_COST, **DETECTORS}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_the_table_is_complete(shared: Path) -> None:
    files = {path.name[:-4] for path in (shared / "data" / "cfg-pjreddie").glob("*.cfg")}
    assert files == {*LOADED, *REFUSED}
    assert len(files) == 45
    assert len({**TRAINED, **WITHOUT_COST}) == 28


@pytest.mark.parametrize("name", LOADED)
def test_it_loads_with_the_right_number_of_weights(shared: Path, name: str) -> None:
    net = darkpy.load(shared / "data" / "cfg-pjreddie" / f"{name}.cfg")
    assert weights_count(net) == LOADED[name]
    assert bool(net.truths) == (name in TRAINED)
    assert net.dialect.name == "pjreddie"
    assert f"{net.name}: {len(net.layers)} layers" in net.summary()


@pytest.mark.parametrize("name", REFUSED)
def test_it_says_what_is_not_supported(shared: Path, name: str) -> None:
    kind, message = REFUSED[name]
    with pytest.raises(kind, match=re.escape(f"{name}.cfg") + message):
        darkpy.load(shared / "data" / "cfg-pjreddie" / f"{name}.cfg")


def small(path: Path, side: int | None) -> Network:
    """The network for one image per step, of `side` pixels where its layers allow that."""
    text = re.sub(r"(?m)^(batch|subdivisions)\s*=.*", r"\1=1", path.read_text())
    if side:
        text = re.sub(r"(?m)^(height|width)\s*=.*", rf"\1={side}", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Network(parse_cfg(text, path.name))


QUICK = ("cifar", "cifar.test", "go.test", "jnet-conv", "tiny", "writing")


def run_and_train(path: Path, side: int | None) -> None:
    net = small(path, side)
    x = np.random.default_rng(0).random((1, *net.input_shape[:3])).astype(np.float32)
    for layer in net.layers:  # Darknet's start, a variance of 0, makes every layer a million times
        if "rolling_variance" in layer.parameters:
            layer.rolling_variance = np.ones_like(layer.rolling_variance)
    before = net.outputs_of(x)
    assert list(before) == [layer.index for layer in net.answers]
    assert all(np.isfinite(output).all() for output in before.values())
    if net.truths:
        truth = np.zeros((1, net.truths), np.float32)
        truth[0, 0] = 1
        assert np.isfinite(net.train_step(x, truth))
        for layer in net.layers:
            if "weights" in layer.parameters:
                assert layer.parameters["weights"].update_value().any(), layer.label


@pytest.mark.parametrize("name", QUICK)
def test_small_ones_run_and_train(shared: Path, name: str) -> None:
    run_and_train(shared / "data" / "cfg-pjreddie" / f"{name}.cfg", None)


LARGER = {"darknet19": 96, "densenet201": 96, "extraction.conv": None, "resnext50": 96}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGER)
def test_larger_ones_run_and_train(shared: Path, name: str) -> None:
    run_and_train(shared / "data" / "cfg-pjreddie" / f"{name}.cfg", LARGER[name])


@pytest.mark.parametrize("name", ["yolov2-tiny-voc", "yolov3-tiny"])
def test_detectors_run(shared: Path, name: str) -> None:
    run_and_train(shared / "data" / "cfg-pjreddie" / f"{name}.cfg", 96)


@pytest.mark.parametrize("name", ["yolo-fastest-1.1", "yolo-fastest-1.1-xl"])
def test_published_alexeyab_weights(shared: Path, name: str, tmp_path: Path) -> None:
    folder = shared / "data" / "yolo-fastest"
    path = folder / f"{name}.weights"
    net = darkpy.load(folder / f"{name}.cfg", path)
    assert net.dialect.name == "alexeyab"
    assert 20 + 4 * weights_count(net) == path.stat().st_size
    net.save_weights(tmp_path / "again.weights")
    assert (tmp_path / "again.weights").read_bytes() == path.read_bytes()
    x = np.random.default_rng(0).random((2, *net.input_shape[:3])).astype(np.float32)
    outputs = net.outputs_of(x)
    assert [output.shape for output in outputs.values()] == [(2, 255, 10, 10), (2, 255, 20, 20)]
    for index, alone in net.outputs_of(x[1:]).items():
        assert np.isfinite(alone).all()
        np.testing.assert_allclose(alone, outputs[index][1:], rtol=1e-5, atol=1e-5)
