"""The comparison of two builds, of a small network. No timing is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import compare_builds
import darkpy
from harness.builds import Tree, check_tree, random_texts, with_net_options

CFG = """
[net]
batch=4
height=12
width=12
channels=3
[convolutional]
filters=6
batch_normalize=1
size=3
activation=leaky
[maxpool]
[connected]
output=5
activation=linear
[softmax]
"""
PACKAGE = Path(darkpy.__file__).resolve().parent
#: A package that is darkpy, but draws other first weights.
OTHER = """
__path__ = [{package!r}]
exec(open({package!r} + "/__init__.py").read())
original = __getattr__("load")
def load(cfg, weights=None, *, seed=0, **settings):
    return original(cfg, weights, seed=seed + 1, **settings)
"""


@pytest.fixture
def cfg(tmp_path: Path) -> str:
    path = tmp_path / "small.cfg"
    path.write_text(CFG)
    return str(path)


def compare(old: Path, new: Path, cfg: str, *more: str) -> int:
    trees = [str(old), str(new)]
    return compare_builds.main([*trees, "--nets", cfg, "--simd", "baseline", *more])


@pytest.mark.slow
def test_a_build_is_like_itself(
    cfg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "record.json"
    tree = PACKAGE.parent
    short = ("--rounds", "1", "--seconds", "0.01", "--json", str(record))
    assert compare(tree, tree, cfg, *short) == 0
    text = capsys.readouterr().out
    assert "0 of them not the same" in text
    assert "small train_step, batch 4, 2 threads" in text
    read = json.loads(record.read_text())
    inference, training = read["bits"]
    assert inference["old"] == inference["new"]
    assert len(inference["old"]["activations 3"]) == 4
    assert {"costs", "momentum", "deltas"} <= set(training["new"])
    assert len(training["new"]["costs"]) == 20
    assert all(row["old"] and row["new"] and row["old again"] for row in read["speed"])


@pytest.mark.slow
def test_the_first_layer_that_differs_is_named(
    cfg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / "darkpy"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text(OTHER.format(package=str(PACKAGE)))
    assert compare(PACKAGE.parent, other.parent, cfg, "--bits") == 1
    text = capsys.readouterr().out
    assert "DIFFERENT: first parameters (layer 0 [convolutional] and 1 more)" in text
    assert "costs (step 1 and 19 more)" in text


def test_verdicts() -> None:
    old = {
        "activations 1": {"layer 0": "a", "layer 1": "b", "layer 2": "c"},
        "predict 1": {"x": "y"},
    }
    new = {**old, "activations 1": {"layer 0": "a", "layer 1": "B", "layer 2": "C"}}
    assert compare_builds.verdict(old, new) == "DIFFERENT: activations 1 (layer 1 and 1 more)"
    assert compare_builds.verdict(old, {}).startswith("DIFFERENT: activations 1 (layer 0 and 2")
    assert compare_builds.verdict(old, old) == "same"
    lost = {"lost": "ended with status -11. "}
    assert compare_builds.verdict(lost, lost).startswith("LOST: old: ended with status -11")
    refused = {"error": {"ConfigError: no": ""}}
    assert compare_builds.verdict(refused, refused) == "same, error: ConfigError: no"


def test_only_the_named_tree_is_compared(tmp_path: Path) -> None:
    check_tree(str(PACKAGE.parent))
    with pytest.raises(ImportError, match="is not of"):
        check_tree(str(tmp_path))
    with pytest.raises(SystemExit, match="no source tree"):
        Tree(tmp_path)


def test_texts() -> None:
    text = with_net_options(CFG, {"batch": 2, "burn_in": 0})
    assert text.startswith("\n[net]\nbatch=2\nburn_in=0\n")
    assert text.count("batch=") == 1
    assert text.endswith(CFG[CFG.index("[convolutional]") :])


def test_random_networks() -> None:
    tree = Tree(Path(__file__).resolve().parents[2])
    texts = random_texts(tree, 2)
    assert texts == random_texts(tree, 2)
    assert texts[0] != texts[1]
    assert all("[connected]" in text for text in texts)
