"""The floors of the C core: what the files of each folder may include, and no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSRC = Path(__file__).resolve().parent.parent / "csrc"
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
def test_files_are_short_and_open_with_their_concept(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    if path.stem not in {"baseline", "avx2", "avx512"}:  # three lines for simd/table.inc
        assert text.startswith("/* "), "no opening comment"
