"""Commands and a detector with two heads: what they say, and what `export` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import darkpy
from darkpy.cli.main import main

HEAD = """
[convolutional]
filters=7
activation=linear
[yolo]
classes=2
num=1
mask=0
anchors=1,1
"""
CFG = f"[net]\nchannels=3\nheight=8\nwidth=8\n{HEAD}[route]\nlayers=-2\n{HEAD}"


@pytest.fixture
def detector(tmp_path: Path) -> tuple[str, str]:
    """A cfg and its weights."""
    cfg, weights = tmp_path / "two.cfg", tmp_path / "two.weights"
    cfg.write_text(CFG)
    darkpy.load(cfg).save_weights(weights)
    return str(cfg), str(weights)


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, str]:
    """A picture, a folder for each class, and Darknet's data file."""
    for label in ("dog", "cat"):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / f"{label}.png")
    paths = sorted(map(str, tmp_path.rglob("*.png")))
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in paths))
    (tmp_path / "pets.names").write_text("dog\ncat\n")
    data = tmp_path / "pets.data"
    data.write_text("classes=2\ntrain=list.txt\nvalid=list.txt\nnames=pets.names\n")
    return {"picture": paths[0], "folder": str(tmp_path / "photos"), "data": str(data)}


@pytest.mark.parametrize(
    "words",
    [
        "predict {cfg} {weights} {picture}",
        "valid {cfg} {weights} {folder}",
        "classifier predict {data} {cfg} {weights} {picture}",
        "classifier valid {data} {cfg} {weights}",
    ],
)
def test_classification_needs_one_answer(
    words: str,
    detector: tuple[str, str],
    photos: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    cfg, weights = detector
    filled = [word.format(cfg=cfg, weights=weights, **photos) for word in words.split()]
    assert main(filled) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"darkpy: {cfg}: the network has 2 answers (layer 1 [yolo], layer 4 [yolo]), "
        "but classification needs exactly one\n"
    )


@pytest.mark.parametrize(
    ("more", "names"),
    [([], ["layer1", "layer4"]), (["--layers", "0"], ["layer1", "layer4", "layer0"])],
)
def test_export_writes_every_head(
    more: list[str], names: list[str], detector: tuple[str, str], tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    out = str(tmp_path / "two.onnx")
    assert main(["export", *detector, out, *more]) == 0
    assert [output.name for output in onnx.load(out).graph.output] == names


def test_the_help_of_export_says_what_the_outputs_are_called(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Its output is named output, or those of a detector with several heads layerN" in text
    assert "write these layers' outputs, too, named layerI" in text
