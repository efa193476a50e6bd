"""Nothing is half there: C functions have callers, public names docstrings, statuses a text."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import darkpy
import darkpy.kernels
from darkpy.engine.boundary import lib, text
from darkpy.engine.core import ffi
from darkpy.layers.registry import layer_classes

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "darkpy"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Folders whose code may call C; no other needs to.
CALLERS = [
    path
    for folder in ("engine", "kernels", "layers", "network")
    for path in (PACKAGE / folder).rglob("*.py")
]
#: Functions of the core that Python may do without: limits that C itself uses.
C_ONLY = {"dk_max_threads"}
FUNCTIONS = sorted(
    name for name in dir(lib) if name.startswith("dk_") and callable(getattr(lib, name))
)


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def public_functions(package: object) -> list[object]:
    """The functions that a package and its modules offer, each once; the edge to C is private."""
    names = [info.name for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
    names = [name for name in names if not name.endswith((".flat", ".simd"))]  # former names
    modules = [importlib.import_module(name) for name in names]
    found = {
        f"{value.__module__}.{name}": value
        for module in modules
        for name in getattr(module, "__all__", ())
        if inspect.isfunction(value := getattr(module, name))
    }
    return [found[name] for name in sorted(found)]


KERNELS = public_functions(darkpy.kernels)


def full_name(function: object) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def names_in(source: str) -> set[str]:
    """C functions that a file names: lib.dk_x, "dk_x", or "x" where it builds f"dk_{...}"."""
    found = set(re.findall(r"\blib\.(dk_\w+)", source))
    strings = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found |= {name for name in strings if name.startswith("dk_")}
    if re.search(r"f[\"']dk_\{", source):
        found |= {f"dk_{name}" for name in strings}
    return found


def test_every_c_function_has_a_python_caller() -> None:
    called = set().union(*(names_in(path.read_text(encoding="utf-8")) for path in CALLERS))
    called |= {f"{name}_workspace" for name in called}  # who calls a function asks for its memory
    unused = [name for name in FUNCTIONS if name not in called | C_ONLY]
    assert FUNCTIONS
    assert not unused, f"no Python code calls {', '.join(unused)}"


def is_known(name: str) -> bool:
    """Whether C has a function, a struct or an enumeration of this name, or that begins so."""
    if name in FUNCTIONS or (name.endswith("_") and any(f.startswith(name) for f in FUNCTIONS)):
        return True
    for kind in ("struct", "enum"):
        with contextlib.suppress(ffi.error):
            return bool(ffi.typeof(f"{kind} {name}"))
    return False


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_strings_that_name_c_functions_and_structs_name_some(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    names = {word for word in words if isinstance(word, str) and re.fullmatch(r"dk_\w+", word)}
    unknown = sorted(name for name in names if not is_known(name))
    assert not unknown, f"{path.name}: C has no {', '.join(unknown)}"


def test_workspaces_have_the_names_of_their_functions() -> None:
    workspaces = [name for name in FUNCTIONS if name.endswith("_workspace")]
    assert workspaces
    assert {name.removesuffix("_workspace") for name in workspaces} <= set(FUNCTIONS)


def test_every_status_has_a_text_of_its_own() -> None:
    header = (ROOT / "csrc" / "dk_types.h").read_text(encoding="utf-8")
    body = re.search(r"enum dk_status \{(.*?)\};", header, re.DOTALL)
    assert body
    names = re.findall(r"^\s*(DK_\w+)", body[1], re.MULTILINE)
    texts = {name: text(lib.dk_status_message(getattr(lib, name))) for name in names}
    unknown = text(lib.dk_status_message(1000))
    assert len(names) >= 5
    assert len({*texts.values(), unknown}) == len(names) + 1, texts


@pytest.mark.parametrize("function", KERNELS, ids=full_name)
def test_kernels_say_what_they_take_and_give(function: object) -> None:
    doc = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    assert re.match(r"\S.*[.:`]", doc, re.DOTALL), "no docstring"
    named = {name for name in signature.parameters if re.search(rf"\b{re.escape(name)}\b", doc)}
    if "Parameters\n----------" not in doc:
        others = {other.__name__ for other in KERNELS} & set(re.findall(r"`(\w+)`", doc))
        assert named or others, "it names neither a parameter nor a function that does the same"
        return
    assert named == set(signature.parameters), "the docstring does not name every parameter"
    gives = signature.return_annotation not in (None, "None")
    if gives and "out" not in signature.parameters:  # the parameter says what it receives
        assert "Returns\n-------" in doc, "no Returns"


@pytest.mark.parametrize("name", sorted(layer_classes()))
def test_layers_name_their_source(name: str) -> None:
    doc = inspect.getdoc(layer_classes()[name]) or ""
    assert re.search(r"Source: .*\S", doc, re.DOTALL), f"[{name}]: the docstring names no source"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_modules_say_what_belongs_there_and_what_is_public(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring"
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    }
    if not defined:
        return  # a package's front door, or a module that is run
    module = importlib.import_module(dotted(path))
    assert hasattr(module, "__all__"), "no __all__"
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert not missing, f"__all__ names {missing}, which are not there"
