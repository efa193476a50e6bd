"""The examples run as they stand, in another folder, and say what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
#: Example -> what its output contains.
SAYS = {
    "batchnorm": "give the same in one call each",
    "heads": "layer 6 [yolo]: 2 boxes in each of 8 x 8 cells",
    "layers": "one value in each window of the pool, where its maximum was",
    "photos": "held-back photos are named correctly",
}


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAYS)
def test_example(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    assert not done.stderr
    assert not list(tmp_path.iterdir()), "an example leaves files behind"


@pytest.mark.slow
def test_photos_of_ones_own(tmp_path: Path) -> None:
    from PIL import Image

    for part in ("train", "valid"):
        for name, value in (("black", 20), ("white", 230)):
            home = tmp_path / "photos" / part / name
            home.mkdir(parents=True)
            for number in range(10):
                Image.new("L", (28, 28), value + number).save(home / f"{number}.png")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "photos.py"), "photos"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "100.0 % of the 20 held-back photos" in done.stdout
    assert "100.0%  black" in done.stdout
