"""The README's example runs as it stands, on a network that is not trained yet."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import darkpy

ROOT = Path(__file__).resolve().parent.parent


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    net = darkpy.load("googlenet-28")
    for layer in net.layers:
        if "rolling_variance" in layer.parameters:
            layer.rolling_variance = np.ones_like(layer.rolling_variance)
    (tmp_path / "backup").mkdir()
    net.save_weights(tmp_path / "backup" / "googlenet-28_final.weights")
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    exec(compile(code[1], "README.md", "exec"), {})
    shown = capsys.readouterr().out.splitlines()
    promised = text[code.end() :].split("```")[1].strip().splitlines()
    assert len(shown) == len(promised)
    assert shown[3] == promised[3]  # shapes, which no training changes


def test_it_begins_with_exactly_two_commands() -> None:
    head = (ROOT / "README.md").read_text().split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", head, re.DOTALL)
    assert len(blocks) == 2
    assert all(len(block.strip().splitlines()) == 1 for block in blocks)
