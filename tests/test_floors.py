"""Floors: what files may include or import by name; and how long a file may be."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "darkpy"
CSRC = ROOT / "csrc"
MODULES = sorted(PACKAGE.rglob("*.py"))
FILES = sorted(path for path in CSRC.rglob("*") if path.suffix in {".c", ".h", ".inc"})
#: Folder -> folders whose headers it may include, from the ground up; "." is csrc itself.
#: dk_types.h is open to all and includes nothing.
MAY_INCLUDE = {
    "simd": {"simd"},
    ".": {"simd", "."},
    "matrix": {".", "matrix"},
    "engine": {"simd", ".", "matrix", "engine"},
    "engine/convolution": {".", "matrix", "engine", "engine/convolution"},
    "kernels": {"simd", ".", "matrix", "engine", "kernels"},
}
MOST_LINES = 400


def wrong_includes(file: str, text: str) -> list[str]:
    """``file:line`` of every include in `text` that the floor of `file` does not allow."""
    floor = Path(file).parent.as_posix()
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (include := re.match(r'\s*#\s*include\s+"([^"]+)"', line)):
            continue
        header, folder = include[1], Path(include[1]).parent.as_posix()
        if not (CSRC / header).is_file():
            wrong.append(f"csrc/{file}:{number}: there is no csrc/{header}")
        elif file == "dk_types.h":
            wrong.append(f"csrc/{file}:{number}: dk_types.h includes nothing, not {header}")
        elif header != "dk_types.h" and folder not in MAY_INCLUDE[floor]:
            wrong.append(f"csrc/{file}:{number}: {floor} may not include {header}")
    return wrong


def test_includes_lead_down() -> None:
    texts = {path.relative_to(CSRC).as_posix(): path.read_text("utf-8") for path in FILES}
    assert {Path(file).parent.as_posix() for file in texts} == set(MAY_INCLUDE)
    wrong = [line for file, text in texts.items() for line in wrong_includes(file, text)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("file", "header", "is_wrong"),
    [
        ("simd/lrn.inc", "engine/lrn.h", True),
        ("threads.c", "matrix/gemm.h", True),
        ("matrix/gemm.c", "kernels/blas.h", True),
        ("engine/lrn.c", "kernels/blas.h", True),
        ("engine/lrn.c", "engine/convolution/walk.h", True),
        ("engine/lrn.c", "engine/no_such_file.h", True),
        ("dk_types.h", "threads.h", True),
        ("simd/lrn.inc", "dk_types.h", False),
        ("dispatch.h", "simd/kernel_table.h", False),
        ("engine/convolution/im2col.c", "matrix/gemm.h", False),
        ("kernels/blas.c", "engine/lrn.h", False),
    ],
)
def test_a_wrong_include_is_found(file: str, header: str, is_wrong: bool) -> None:
    text = f'/* Concept. */\n#include <stdint.h>\n#include "{header}"\n'
    assert len(wrong_includes(file, text)) == is_wrong
    assert all(line.startswith(f"csrc/{file}:3: ") for line in wrong_includes(file, text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CSRC).as_posix())
def test_c_files_open_with_their_concept(path: Path) -> None:
    text = path.read_text("utf-8")
    if path.stem not in {"baseline", "avx2", "avx512"}:  # three lines for simd/table.inc
        assert text.startswith("/* "), "no opening comment"


@pytest.mark.parametrize(
    "path",
    [*FILES, *MODULES, *sorted((ROOT / "tests").rglob("*.py"))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


def floors_of_packages() -> dict[str, int]:
    """Package -> its floor, 0 the ground, as the contract in pyproject.toml says."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (floors,) = (c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    names = [floor.split(" | ") for floor in reversed(floors)]
    return {name.split(".")[1]: rank for rank, row in enumerate(names) for name in row}


def imported_by_name(path: Path) -> set[str]:
    """Packages of darkpy that a module names in strings, which may be imported at run time."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node)
    }
    words = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    }
    return {found[1] for word in words if (found := re.match(r"darkpy\.(\w+)(?:\.|$)", word))}


def test_imports_by_name_lead_down_too() -> None:
    floors = floors_of_packages()
    assert set(floors) == {
        path.stem
        for path in PACKAGE.iterdir()
        if path.stem not in {"__init__", "__main__", "__pycache__", "_kernels"}
        and (path.is_dir() or path.suffix == ".py")
    }
    found = 0
    for path in MODULES:
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for package in imported_by_name(path) if own in floors else ():
            found += 1
            assert package == own or floors[package] < floors[own], f"{path} names {package}"
    assert found, "nothing is imported by its name any more: this test can go"
