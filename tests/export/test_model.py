"""Exported networks, run by other programs, give what darkpy gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import darkpy
from darkpy.engine.enums import ACTIVATIONS, CHANNEL_ACTIVATIONS
from darkpy.errors import ArgumentError, ConfigError
from darkpy.export.model import export_onnx
from darkpy.network.network import Network

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
CASES = [
    path
    for path in sorted(GOLDEN.glob("*/*.cfg"))
    # sections that darkpy does not have, and [local], which ONNX does not have
    if not any(f"[{section}]" in path.read_text() for section in ("sam", "local"))
]


def runtime(path: Path, x: np.ndarray) -> dict[str, np.ndarray]:
    """Run a file with ONNX Runtime.

    The evaluator inside onnx itself errs in LRN and in uneven padding.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"input": x}), strict=True))


def written(text: str, tmp_path: Path, **options: Any) -> Network:
    cfg = tmp_path / "net.cfg"
    cfg.write_text(text)
    net = darkpy.load(cfg, **options)
    rng = np.random.default_rng(5)
    for layer in net.layers:
        for name in ("biases", "scales", "rolling_mean", "rolling_variance"):
            if name in layer.parameters:
                values = rng.uniform(0.5, 1.5, layer.parameters[name].shape)
                layer.parameters[name].assign(values.astype(np.float32))
    return net


def compare(net: Network, path: Path, x: np.ndarray, **options: Any) -> None:
    """Export with every layer as an output; compare all of them and the answer."""
    layers = [layer.index for layer in net.layers if layer.kind != "cost"]
    export_onnx(net, path, layers=layers, **options)
    outputs = runtime(path, x)
    expected = net.activations(x)
    for index in layers:
        np.testing.assert_allclose(
            outputs[f"layer{index}"],
            expected[index].reshape(len(x), -1),
            rtol=2e-4,
            atol=2e-5,
            err_msg=net.layers[index].label,
        )
    np.testing.assert_allclose(outputs["output"], net.predict(x), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("cfg", CASES, ids=lambda path: path.stem)
def test_golden_networks(cfg: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(cfg.with_suffix(".npz")))
    weights = tmp_path / "golden.weights"
    weights.write_bytes(arrays["weights"].tobytes())
    dialect = "alexeyab" if cfg.parent.name == "alexeyab" else "auto"
    net = darkpy.load(cfg, weights, dialect=dialect)
    for fold in (True, False):
        compare(net, tmp_path / "net.onnx", arrays["x"], fold=fold)


@pytest.mark.parametrize("kind", [*ACTIVATIONS, *CHANNEL_ACTIVATIONS])
def test_activations(kind: str, tmp_path: Path) -> None:
    net = written(
        f"[net]\ninputs=40\n[activation]\nactivation={kind}\n", tmp_path, dialect="alexeyab"
    )
    x = np.linspace(-9, 9, 40, dtype=np.float32)[None]
    compare(net, tmp_path / "net.onnx", x)


POOLS = [
    "size=2\nstride=2",
    "size=3\nstride=2",
    "size=2\nstride=1",
    "size=3\nstride=2\npadding=0",
    "size=3\nstride=2\npadding=1",
    "size=5\nstride=3\npadding=3",
    "size=2\nstride=2\npadding=5",
]


@pytest.mark.parametrize("height", [7, 8, 9])
@pytest.mark.parametrize("pool", POOLS)
def test_pooling_windows(pool: str, height: int, tmp_path: Path) -> None:
    net = written(f"[net]\nheight={height}\nwidth=10\nchannels=2\n[maxpool]\n{pool}\n", tmp_path)
    x = np.random.default_rng(1).standard_normal((2, 2, height, 10), np.float32)
    compare(net, tmp_path / "net.onnx", x)


LAYERS = {
    "crop": "[crop]\ncrop_height=4\ncrop_width=6",
    "crop unadjusted": "[crop]\ncrop_height=5\ncrop_width=5\nnoadjust=1",
    "upsample": "[upsample]\nstride=3\nscale=.5",
    "downsample": "[upsample]\nstride=-2\nscale=2",
    "reorg back": "[reorg]\nstride=2\nreverse=1",
    "reorg flat": "[reorg]\nflatten=1",
    "reorg flat back": "[reorg]\nflatten=1\nreverse=1",
    "reorg extra": "[reorg]\nextra=3",
    "reorg3d": "[reorg3d]\nstride=2",
    "batchnorm": "[batchnorm]",
    "lrn": "[normalization]\nsize=3\nalpha=.1\nbeta=.5\nkappa=2",
    "dilated": "[conv]\nfilters=3\nsize=3\npad=1\ndilation=2\nactivation=mish\nbatch_normalize=1",
    "strides": "[conv]\nfilters=4\nsize=3\npadding=2\nstride_x=2\nstride_y=3\ngroups=2",
    "dense": "[connected]\noutput=5\nbatch_normalize=1\nactivation=tanh\n[l2norm]",
    "vector to image": "[connected]\noutput=5\n[conv]\nfilters=3\n[route]\nlayers=0,1",
    "fewer channels": "[conv]\nfilters=5\nstride=2\n[conv]\nfilters=3\n[conv]\nfilters=7\n"
    "[shortcut]\nfrom=-2\nactivation=leaky\nbeta=.5",
    "larger source": "[conv]\nfilters=5\n[conv]\nfilters=2\nsize=3\nstride=2\npad=1\n"
    "[shortcut]\nfrom=0",
    "odd source": "[conv]\nfilters=5\n[crop]\ncrop_height=7\ncrop_width=7\n"
    "[conv]\nfilters=5\nsize=3\nstride=2\n[shortcut]\nfrom=1\nactivation=relu",
    "softmax of an image": "[conv]\nfilters=2\n[softmax]\ntemperature=2",
    "softmax of groups": "[softmax]\ngroups=2",
}


@pytest.mark.parametrize("text", LAYERS.values(), ids=LAYERS)
def test_layers(text: str, tmp_path: Path) -> None:
    net = written(f"[net]\nheight=8\nwidth=12\nchannels=4\n{text}\n", tmp_path)
    x = np.random.default_rng(2).standard_normal((3, 4, 8, 12), np.float32)
    compare(net, tmp_path / "net.onnx", x)
    compare(net, tmp_path / "net.onnx", x, fold=False, batch=3)


def test_only_what_the_answer_depends_on_is_written(tmp_path: Path) -> None:
    net = written(
        "[net]\nheight=8\nwidth=8\nchannels=2\n[conv]\nfilters=3\n[conv]\nfilters=9\n[route]\nlayers=0\n"
        "[dropout]\n[avgpool]\n[softmax]\nnoloss=1\n[cost]\n",
        tmp_path,
    )
    export_onnx(net, tmp_path / "net.onnx")
    operations = [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]
    assert operations.count("Conv") == 1
    assert {"Dropout", "Concat"}.isdisjoint(operations)
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)


def test_errors_name_the_place(tmp_path: Path) -> None:
    net = written(
        "[net]\nheight=8\nwidth=8\nchannels=2\n[conv]\nfilters=3\n\n[local]\nfilters=2\n", tmp_path
    )
    with pytest.raises(ConfigError, match=r"net\.cfg:8: \[local\] has no counterpart in ONNX"):
        export_onnx(net, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()
    with pytest.raises(ArgumentError, match="there is no layer 2"):
        export_onnx(net, tmp_path / "net.onnx", layers=[2])
    with pytest.raises(ArgumentError, match="batch must be at least 1"):
        export_onnx(net, tmp_path / "net.onnx", batch=0)
    net = written("[net]\ninputs=2\n[softmax]\n", tmp_path)
    with pytest.raises(ArgumentError, match="cannot be written"):
        export_onnx(net, tmp_path / "no folder" / "net.onnx")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from darkpy.cli.main import main

    net = written("[net]\ninputs=4\n[connected]\noutput=3\n[softmax]\n", tmp_path)
    net.save_weights(tmp_path / "net.weights")
    files = [str(tmp_path / name) for name in ("net.cfg", "net.weights", "net.onnx")]
    assert main(["export", *files, "--layers", "0", "--batch", "2"]) == 0
    assert "3 outputs an image" in capsys.readouterr().out
    x = np.ones((2, 4), np.float32)
    outputs = runtime(tmp_path / "net.onnx", x)
    assert outputs["layer0"].shape == (2, 3)
    np.testing.assert_allclose(outputs["output"], net.predict(x), rtol=1e-5)
