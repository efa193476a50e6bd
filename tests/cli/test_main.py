"""The command line: words in, sentences and exit codes out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from fake_network import FakeNetwork, stripes
from PIL import Image as Pillow

from darkpy.cli.main import main
from darkpy.data import write_idx
from darkpy.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def networks(monkeypatch):
    """`load` gives a fake network; returns the list of those made."""
    made = []

    def load(cfg, weights=None, *, dialect="auto", seed=0, memory="normal", precision="fp32"):
        if cfg == "absent.cfg":
            raise ConfigError(cfg, 3, "a message\nof two lines")
        net = FakeNetwork(max_batches=20)
        if weights is not None:
            net.load_weights(weights)
        made.append(net)
        return net

    module = types.ModuleType("darkpy.network.loading")
    module.load = load
    monkeypatch.setitem(sys.modules, "darkpy.network", types.ModuleType("darkpy.network"))
    monkeypatch.setitem(sys.modules, "darkpy.network.loading", module)
    return made


@pytest.fixture
def photos(tmp_path, rng):
    """A folder of IDX files with names."""
    for split, n in (("train", 40), ("t10k", 12)):
        x, labels = stripes(rng, n)
        write_idx(tmp_path / f"{split}-images-idx3-ubyte.gz", x)
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte.gz", labels.astype(np.uint8))
    (tmp_path / "rows.names").write_text("top\nmiddle\nlow\n")
    return tmp_path


@pytest.fixture
def trained(photos, capsys):
    """The folder of a finished training."""
    out = photos / "out"
    assert main(["train", "tiny.cfg", str(photos), "--out", str(out), "--quiet"]) == 0
    capsys.readouterr()
    return out


def row_picture(path, row):
    pixels = np.full((4, 4), 20, np.uint8)
    pixels[row] = 200
    Pillow.fromarray(pixels).save(path)
    return str(path)


def test_train(photos, capsys, networks):
    out = photos / "new" / "out"
    words = ["train", "tiny.cfg", str(photos), "--epochs", "3", "--seed", "5", "--out", str(out)]
    assert main([*words, "--threads", "1", "--name", "rows"]) == 0
    printed = capsys.readouterr()
    assert re.fullmatch(
        r"Trained rows for 3 epochs in \d+ s: \d+\.\d % of the 12 held-back photos"
        r" are named correctly; weights in .*rows_final\.weights\n",
        printed.out,
    )
    assert len(printed.err.splitlines()) == 4
    assert (out / "rows.names").read_text() == "top\nmiddle\nlow\n"
    assert networks[0].update_count == 15


@pytest.mark.parametrize("more", [[], ["--mirrored"]])
def test_valid(photos, trained, capsys, more):
    words = ["valid", "tiny.cfg", str(trained / "tiny_final.weights"), str(photos), "--top", "2"]
    assert main([*words, *more]) == 0
    assert re.fullmatch(
        r"tiny names 100\.0 % of the 12 held-back photos correctly; top-2: 100\.0 %; .* images/s\n",
        capsys.readouterr().out,
    )


def test_predict_finds_the_names_that_training_wrote(trained, tmp_path, capsys):
    pictures = [row_picture(tmp_path / f"{row}.png", row) for row in (2, 0)]
    words = ["predict", "tiny.cfg", str(trained / "tiny_best.weights"), *pictures, "--top", "2"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(
        rf"{re.escape(pictures[0])}: \d+\.\d\d% low, \d+\.\d\d% (top|middle)$", lines[0]
    )
    assert ": " in lines[1]
    assert "% top, " in lines[1]
    assert len(lines) == 2


def test_predict_with_names_of_another_network(trained, tmp_path, capsys):
    (tmp_path / "two.txt").write_text("a\nb\n")
    words = ["predict", "x", str(trained / "tiny_best.weights"), "x.png"]
    assert main([*words, "--names", str(tmp_path / "two.txt")]) == 2
    assert "2 names, but the network has 3 outputs" in capsys.readouterr().err


def test_predict_says_numbers_without_names(trained, tmp_path, capsys):
    (trained / "tiny.names").unlink()
    picture = row_picture(tmp_path / "a.png", 1)
    assert main(["predict", "x", str(trained / "tiny_last.weights"), picture, "--top=1"]) == 0
    assert "% class 1\n" in capsys.readouterr().out


def test_summary(capsys):
    assert main(["summary", "tiny.cfg"]) == 0
    assert capsys.readouterr().out == "one layer\n"
    assert main(["summary", "tiny.cfg", "--batch", "7"]) == 0
    assert capsys.readouterr().out == "one layer, 7 images\n"


def test_info(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in ("darkpy", "compiler", "SIMD", "available", "threads"):
        assert word in out


@pytest.fixture
def data_file(tmp_path):
    """Darknet's form: lists of paths, the label part of the path."""
    for row, label in enumerate(("top", "middle", "low")):
        for i in range(4):
            row_picture(tmp_path / f"{label}{i}.png", row)
    paths = sorted(tmp_path.glob("*.png"))
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in paths))
    (tmp_path / "rows.names").write_text("top\nmiddle\nlow\n")
    (tmp_path / "rows.data").write_text(
        "classes=3\ntrain=list.txt\nvalid=list.txt\nnames=rows.names\ntop=2\n"
        f"backup={tmp_path}/weights\n"
    )
    return str(tmp_path / "rows.data")


def test_darknets_word_order(data_file, tmp_path, capsys):
    assert main(["classifier", "train", data_file, "tiny.cfg"]) == 0
    assert "Trained tiny" in capsys.readouterr().out
    weights = str(tmp_path / "weights" / "tiny_final.weights")
    assert main(["classifier", "train", data_file, "tiny.cfg", weights]) == 2
    assert "nothing is left to train" in capsys.readouterr().err
    assert main(["classifier", "train", data_file, "tiny.cfg", weights, "-clear"]) == 0
    capsys.readouterr()
    assert main(["classifier", "valid", data_file, "tiny.cfg", weights]) == 0
    assert "tiny names 100.0 % of the 12 held-back photos correctly; top-2" in (
        capsys.readouterr().out
    )
    picture = str(tmp_path / "low1.png")
    assert main(["classifier", "predict", data_file, "tiny.cfg", weights, picture]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2  # top= of the .data file
    assert re.fullmatch(r" ?\d+\.\d\d%: low", lines[0])
    assert main(["classifier", "predict", data_file, "x", weights, picture, "-t", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["summary", "absent.cfg"],
        ["train", "tiny.cfg", "no-such-folder"],
        ["train", "tiny.cfg", "no-such-folder", "--seed", "-1"],
        ["classifier", "valid", "no.data", "tiny.cfg", "w"],
    ],
)
def test_bad_input_is_one_line_and_exit_2(words, capsys):
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert printed.err.startswith("darkpy: ")


@pytest.mark.parametrize("words", [[], ["fly"], ["train"], ["train", "a", "b", "--epochs", "0"]])
def test_bad_words_exit_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_bug_is_not_swallowed(monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(sys.modules["darkpy.network.loading"], "load", broken)
    with pytest.raises(ZeroDivisionError):
        main(["summary", "x.cfg"])


def test_ctrl_c_exits_130(photos, monkeypatch, capsys):
    step = FakeNetwork.train_step

    def interrupted(self, x, truth):
        if not self.steps:
            signal.raise_signal(signal.SIGINT)
        return step(self, x, truth)

    monkeypatch.setattr(FakeNetwork, "train_step", interrupted)
    assert main(["train", "tiny.cfg", str(photos), "--out", str(photos / "out"), "--quiet"]) == 130
    assert "Interrupted the training of tiny after 0.2 epochs" in capsys.readouterr().err
    assert (photos / "out" / "tiny_last.weights").exists()


def test_warnings_are_one_line(monkeypatch, capsys):
    def load(cfg, weights=None, **_):
        warnings.warn("look\nhere", UserWarning, stacklevel=1)
        return FakeNetwork()

    monkeypatch.setattr(sys.modules["darkpy.network.loading"], "load", load)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["summary", "x.cfg"]) == 0
    assert capsys.readouterr().err == "darkpy: warning: look here\n"


def test_a_reader_that_goes_away_is_no_traceback():
    code = "import sys, darkpy.cli.main as m; sys.exit(m.main(['info']))"
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(write)
    assert result.returncode == 141
    assert result.stderr == b""


def test_python_m_darkpy_and_no_heavy_imports():
    code = (
        "import sys, darkpy.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert 'numpy' not in sys.modules and 'PIL' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    result = subprocess.run(
        [sys.executable, "-m", "darkpy", "nonsense"], cwd=ROOT, capture_output=True, check=False
    )
    assert result.returncode == 2
