"""What names the distribution agrees with ``pyproject.toml``."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import darkpy
from darkpy.cli import info

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_name_and_version() -> None:
    assert info.DISTRIBUTION == PROJECT["name"]
    assert darkpy.__version__ == PROJECT["version"]


def test_hints_name_the_distribution_and_its_extras() -> None:
    """``pip install 'darkpy[onnx]'`` would install somebody else's package."""
    extras = set(PROJECT["optional-dependencies"])
    hints = []
    for file in sorted((ROOT / "darkpy").rglob("*.py")):
        hints += re.findall(r"pip install '?([\w.-]+)\[(\w+)\]", file.read_text(encoding="utf-8"))
    assert hints
    assert all(name == PROJECT["name"] and extra in extras for name, extra in hints), hints
