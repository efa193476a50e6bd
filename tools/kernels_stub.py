"""Types of the C core for mypy, made from the headers: darkpy/_kernels.pyi.

``python tools/kernels_stub.py darkpy/_kernels.pyi`` updates it.
"""

from __future__ import annotations

import keyword
import re
import sys
import textwrap
from pathlib import Path

from pycparser import CParser, c_ast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "csrc"))

from build_cffi import public_declarations

__all__ = ["kernels_stub", "public_declarations"]

_INTRODUCTION = '''\
"""The C core as mypy sees it, made from the headers by tools/kernels_stub.py."""
# fmt: off

from typing import Any

class _Lib:
'''
_END = """
ffi: Any
lib: _Lib
"""
#: C's types of numbers -> Python's.
_NUMBERS = {"float": "float", "double": "float", "int": "int", "void": "None"}
_NUMBERS |= {f"{sign}int{bits}_t": "int" for sign in ("", "u") for bits in (8, 32, 64)}


def kernels_stub(declarations: str) -> str:
    """Return the stub for the declarations that cffi reads from the headers."""
    enumerations, functions = [], []
    for node in _parsed(declarations):
        kind = node.type
        if isinstance(kind, c_ast.Enum):
            names = [value.name for value in kind.values.enumerators]
            enumerations.append("\n".join([f"# enum {kind.name}", *(f"{n}: int" for n in names)]))
        elif isinstance(kind, c_ast.FuncDecl):
            functions.append(_function(node.name, kind))
    body = "\n".join([*sorted(enumerations), *sorted(functions)])
    return _INTRODUCTION + textwrap.indent(body, "    ") + "\n" + _END


def _parsed(declarations: str) -> list[c_ast.Decl]:
    """The declarations, without comments and with the types of <stdint.h>."""
    plain = re.sub(r"/\*.*?\*/", " ", declarations, flags=re.DOTALL)
    known = "".join(f"typedef int {name};" for name in _NUMBERS if name.endswith("_t"))
    parsed = CParser().parse(known + plain).ext
    return [node for node in parsed if isinstance(node, c_ast.Decl)]


def _function(name: str, declared: c_ast.FuncDecl) -> str:
    """Return a method for a C function, with positional arguments only."""
    arguments = ["self"]
    for argument in declared.args.params:
        kind = _type(argument.type)
        if kind != "None":  # (void)
            known = argument.name + "_" * keyword.iskeyword(argument.name)
            arguments.append(f"{known}: {kind}")
    parts = [*(f"{argument}," for argument in arguments), f"/) -> {_type(declared.type)}: ..."]
    # Break lines between arguments only.
    text = " ".join(part.replace(" ", "\0") for part in (f"def {name}({parts[0]}", *parts[1:]))
    wrapped = textwrap.fill(text, 96, subsequent_indent=" " * 8, break_on_hyphens=False)
    return wrapped.replace("\0", " ")


def _type(declared: c_ast.Node) -> str:
    """Python's type for an argument or a result; Any for pointers."""
    if not isinstance(declared, c_ast.TypeDecl):
        return "Any"
    if isinstance(declared.type, c_ast.Enum):
        return "int"
    return _NUMBERS[" ".join(declared.type.names)]


if __name__ == "__main__":
    text = kernels_stub(public_declarations())
    Path(sys.argv[1]).write_text(text, encoding="utf-8", newline="\n")
