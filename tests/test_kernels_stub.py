"""darkpy/_kernels.pyi, from which mypy knows the C core, says what headers and library say."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from darkpy.engine.core import ffi, lib
from kernels_stub import kernels_stub, public_declarations

STUB = Path(__file__).resolve().parent.parent / "darkpy" / "_kernels.pyi"
FUNCTIONS = [name for name in dir(lib) if name.startswith("dk_")]


@pytest.fixture(scope="module")
def body() -> list[ast.stmt]:
    """What stands in the stub's class."""
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return found.body


def test_it_is_what_the_headers_say() -> None:
    assert STUB.read_text(encoding="utf-8") == kernels_stub(public_declarations()), (
        "darkpy/_kernels.pyi is not what the headers say: "
        "run python tools/kernels_stub.py darkpy/_kernels.pyi"
    )


def test_it_has_the_names_of_the_library(body: list[ast.stmt]) -> None:
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    names += [ast.unparse(node.target) for node in body if isinstance(node, ast.AnnAssign)]
    assert sorted(names) == sorted(dir(lib))


def python_type(ctype: object) -> str:
    """What Python gives for a C type, or takes: asked of cffi, not of the headers' text."""
    if ctype.kind == "pointer":
        return "Any"
    if ctype.kind == "void":
        return "None"
    return "int" if ctype.kind == "enum" else type(ffi.new(f"{ctype.cname} *")[0]).__name__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_librarys_types(body: list[ast.stmt], name: str) -> None:
    (function,) = (node for node in body if isinstance(node, ast.FunctionDef) and node.name == name)
    ctype = ffi.typeof(getattr(lib, name))
    arguments = [ast.unparse(a.annotation) for a in function.args.posonlyargs[1:]]
    assert arguments == [python_type(argument) for argument in ctype.args]
    assert ast.unparse(function.returns) == python_type(ctype.result)


def test_what_is_no_number_and_no_pointer_is_refused() -> None:
    text = "enum dk_k { DK_A, DK_B }; /* a ... b */ int64_t dk_f(enum dk_k kind, const float *in);"
    stub = kernels_stub(text)
    assert (
        "DK_A: int\n    DK_B: int\n    def dk_f(self, kind: int, in_: Any, /) -> int: ...\n" in stub
    )
    with pytest.raises(KeyError, match="short"):
        kernels_stub("int dk_f(short x);")
