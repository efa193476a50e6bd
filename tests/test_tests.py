"""The tests themselves: each file where a reader looks for it, and standing alone."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from darkpy import kernels

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
FILES = sorted(TESTS.rglob("*.py"))
#: Folder of C headers -> folder of the tests of their functions.
TESTED_IN = {"engine": "engine", "kernels": "kernels", "matrix": "kernels"}


def imported(text: str) -> set[str]:
    """The last names of all modules that a file imports, or imports from."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(alias.name for alias in node.names)}
    return {name.rpartition(".")[2] for name in names}


def from_tests(text: str) -> list[str]:
    """What a file takes from test files."""
    return sorted(name for name in imported(text) if name.startswith("test_"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_files_import_no_test_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert from_tests(text) == [], "move what two test files share into a module without tests"


@pytest.mark.parametrize(
    "line", ["import network.test_a", "from test_a import CASES", "from network import test_a"]
)
def test_an_import_of_a_test_file_is_found(line: str) -> None:
    assert from_tests(f"import os\n{line}\n") == ["test_a"]


def test_every_public_header_has_its_test_file() -> None:
    headers = [
        path
        for path in (ROOT / "csrc").rglob("*.h")
        if path.parent.name in TESTED_IN and "[cffi begin]" in path.read_text(encoding="utf-8")
    ]
    assert len(headers) > 20
    missing = [
        f"tests/{TESTED_IN[path.parent.name]}/test_{path.stem}.py"
        for path in headers
        if not list((TESTS / TESTED_IN[path.parent.name]).glob(f"test_{path.stem}*.py"))
    ]
    assert not missing, f"there is no {', no '.join(missing)}"


def test_every_public_header_of_the_kernels_has_its_module() -> None:
    headers = (ROOT / "csrc" / "kernels").glob("*.h")
    names = {path.stem for path in headers if "[cffi begin]" in path.read_text(encoding="utf-8")}
    assert {"batchnorm_fused", "biases", "pooling"} <= names
    modules = {path.stem for path in (ROOT / "darkpy" / "kernels").glob("*.py")}
    assert sorted(names - modules) == []


def test_every_module_of_public_kernels_has_its_test_file() -> None:
    functions = [getattr(kernels, name) for name in dir(kernels) if name[0] != "_"]
    modules = {f.__module__.rpartition(".")[2] for f in functions if inspect.isfunction(f)}
    assert {"blas", "convolution", "losses"} <= modules
    files = [f"tests/kernels/test_{name}.py" for name in sorted(modules)]
    missing = [file for file in files if not (ROOT / file).is_file()]
    assert not missing, f"there is no {', no '.join(missing)}"
