"""The benchmarks' own machinery: files, processes, tables. No timing is judged."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import darkpy
from contenders import INFERENCE, TRAINING
from harness.machine import clean_environment
from harness.material import Material
from harness.report import comparison, difference, table
from harness.results import kept_rows, update_section
from harness.rounds import Entry, Result, measure, measure_cold

CFG = """
[net]
batch=4
height=12
width=12
channels=3
learning_rate=.1
policy=poly
max_batches=10
[convolutional]
filters=6
size=3
pad=1
activation=relu
[convolutional]
filters=4
activation=relu
[connected]
output=5
activation=linear
[softmax]
loss_weight=.3
[route]
layers=0
[convolutional]
filters=6
batch_normalize=1
activation=leaky
[shortcut]
from=0
[dropout]
[connected]
output=5
activation=linear
[softmax]
loss_weight=1
"""


@pytest.fixture
def material(tmp_path: Path) -> Material:
    cfg = tmp_path / "small.cfg"
    cfg.write_text(CFG)
    folder = tmp_path / "files"
    folder.mkdir()
    return Material(str(cfg), None, folder)


def inference_task(material: Material, **more: object) -> dict[str, object]:
    return {
        "job": "Inference",
        "module": "darkpy_engine",
        "threads": 1,
        "cfg": material.cfg(),
        "weights": material.weights,
        "input": material.input(2),
        **more,
    }


def test_the_part_for_darknet_computes_the_same(material: Material) -> None:
    cfg, weights = material.darknet(2)
    part = darkpy.load(cfg, weights)
    assert [layer.kind for layer in part.layers].count("softmax") == 1
    assert "loss_weight" not in Path(cfg).read_text()
    x = np.load(material.input(2))
    np.testing.assert_allclose(part.predict(x), material.net.predict(x), rtol=1e-5)


def test_training_files(material: Material) -> None:
    prepared = material.training(4, 2, dropout=False)
    assert prepared.net.mini_batch == 4
    assert prepared.net.layers[7].values.probability == 0
    assert prepared.net.options.policy == "constant"
    data = np.load(prepared.path("data.npz"))
    assert data["x"].shape == (2, 4, 3, 12, 12)
    np.testing.assert_array_equal(data["truth"].sum(2), 1)


@pytest.mark.slow
def test_rounds_in_processes_of_their_own(material: Material) -> None:
    entries = [
        Entry("darkpy", inference_task(material)),
        Entry("broken", inference_task(material, weights="nowhere.weights")),
        Entry("missing", inference_task(material, module="nobody")),
    ]
    good, broken, missing = measure(entries, rounds=2, seconds=0.01, least=3, quiet=True)
    assert len(good.times) >= 6
    assert good.peak > 1e7
    x = np.load(material.input(2))
    np.testing.assert_array_equal(good.answer, material.net.predict(x))
    assert "nowhere.weights" in broken.note
    assert "nobody" in missing.note
    cold, *_ = measure_cold(entries, rounds=1)
    assert len(cold.times) == 1
    assert cold.best > good.best


def test_training_losses_agree_with_pytorch(material: Material) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    prepared = material.training(4, 3, dropout=False)
    task = {"job": "Training", "threads": 1, "data": str(prepared.path("data.npz"))}
    kind = TRAINING["PyTorch eager"]
    entries = [
        Entry("darkpy", task | inference_task(prepared) | {"job": "Training"}),
        Entry(
            "PyTorch",
            task
            | {"module": kind.module, "mode": kind.mode, "description": prepared.description()},
        ),
    ]
    darkpy_result, torch_result = measure(entries, rounds=1, seconds=0.01, quiet=True)
    np.testing.assert_allclose(darkpy_result.answer, torch_result.answer, rtol=5e-3)


def test_only_what_is_installed_takes_part() -> None:
    assert INFERENCE["darkpy"].is_installed
    assert all(kind.module and kind.is_installed in (True, False) for kind in TRAINING.values())


def test_tuning_variables_do_not_reach_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    environment = clean_environment(3, {"GLIBC_TUNABLES": "x"})
    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["GLIBC_TUNABLES"] == "x"


def test_tables() -> None:
    assert table(["a", "bb"], [["1", "2"]]).splitlines() == [
        "| a | bb |",
        "|---|----|",
        "| 1 | 2  |",
    ]
    first = Result("darkpy", [0.002, 0.001], 5_000_000, np.array([[0.0, 2.0]]))
    second = Result("peer", [0.003], 0, np.array([[0.5, 2.0]]))
    third = Result("other", note="no such thing")
    text = comparison([first, second, third], images=4, memory=True)
    assert "3.00 x" in text
    assert "4000.0" in text
    assert "2.5e-01" in text
    assert "- other cannot: no such thing" in text
    assert difference(second, Result("x", answer=np.ones(3))) == float("inf")
    losses = [Result("a", answer=np.array([2.0])), Result("b", answer=np.array([1.0]))]
    assert difference(*losses, losses=True) == 1


INFERENCE_TABLE = table(
    ["", "ms best", "images/s best", "darkpy is"],
    [
        ["darkpy", "1", "1000", ""],
        ["slow", "3", "333", "3.00 x"],
        ["next", "1.5", "667", "1.50 x"],
        ["OpenVINO default", ".8", "1250", "0.80 x"],
        ["Darknet", "20", "50", "20.00 x"],
    ],
)
TRAINING_TABLE = table(
    ["", "images/s best", "darkpy is", "peak MB"],
    [
        ["darkpy", "30", "", "400"],
        ["PyTorch eager", "7", "4.20 x", "1100"],
        ["PyTorch channels_last", "10", "3.00 x", "1000"],
        ["PyTorch channels_last, malloc tuned", "15", "2.00 x", "1200"],
        ["PyTorch compile", "-", "-", "-"],
    ],
)


def test_sections_of_the_results_file(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    update_section("Training: net, batch 16, 2 threads", TRAINING_TABLE, "Processor A", path)
    for threads, plural in ((10, "s"), (2, "s"), (1, "")):
        title = f"Inference: net, batch 1, {threads} thread{plural}"
        update_section(title, f"{INFERENCE_TABLE}\n\nOf {threads}", "Processor A", path)
    update_section("Cold start: net, batch 1, 2 threads", "disturbed", "Processor B", path)
    update_section("Cold start: net, batch 1, 2 threads", "quiet", "Processor B", path)
    text = path.read_text()
    assert text.startswith("# Measurements")
    assert "disturbed" not in text
    order = [
        "# Processor A",
        "Of 1\n",
        "Of 2\n",
        "Of 10\n",
        "## Training",
        "# Processor B",
        "quiet",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    overview = text[: text.index("## ")]
    assert (
        "| net       | 1     | 2       | 1000     | next         | 1.50 x    | 20.00 x |"
        in overview
    )
    assert re.search(r"net +\| 16 +\| 2 +\| 30 +\| 3.00 x +\| 2.00 x +\| +\| 0.40", overview)


def test_rows_that_are_not_measured_again_stay(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    header = ["GB/s", "darkpy"]
    rows = [["a", "1"], ["b", "2"]]
    update_section("Kernels, 1 thread", table(header, rows), "A", path)
    again = kept_rows("Kernels, 1 thread", header, [["b", "3"], ["c", "4"]], "A", path)
    assert again == [["a", "1"], ["b", "3"], ["c", "4"]]
    assert kept_rows("Kernels, 1 thread", header, [["b", "3"]], "B", path) == [["b", "3"]]
    assert kept_rows("Kernels, 1 thread", ["other"], [["b"]], "A", path) == [["b"]]
