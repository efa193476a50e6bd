"""What is imported when: a prediction shall not wait for what training or messages need."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy import kernels
from darkpy.layers.registry import options_of

ROOT = Path(__file__).resolve().parent.parent
CFG = """
[net]
channels=3
height=16
width=16
[convolutional]
filters=4
size=3
stride=1
pad=1
activation=relu
[maxpool]
[normalization]
[route]
layers=-1
[avgpool]
[dropout]
[connected]
output=5
activation=linear
[softmax]
noloss=1
[cost]
"""
#: Of darkpy: other layers, the kernels for NumPy, training, data, commands.
UNUSED = (
    *("darkpy.cli", "darkpy.data", "darkpy.export", "darkpy.files", "darkpy.training"),
    *("darkpy.kernels.blas", "darkpy.kernels.convolution", "darkpy.kernels.darknet_calls"),
    *("darkpy.kernels._public", "darkpy.layers.yolo", "darkpy.layers.local"),
    *("darkpy.layers.protocols", "darkpy.network.diagnosis", "darkpy.network.optimiser_state"),
    *("darkpy.network.optimisers", "darkpy.network.profile", "darkpy.network.recompute"),
    *("darkpy.network.schedules", "darkpy.network.summary", "darkpy.network.training_memory"),
    "darkpy.network.updating",
)
#: Of Python: milliseconds each, and none needed to read two files and multiply.
HEAVY = (
    *("dataclasses", "difflib", "email", "importlib.metadata", "inspect", "pathlib", "pkgutil"),
    *("random", "shutil", "tempfile", "urllib"),
)


def imported(code: str, *arguments: str) -> set[str]:
    """The modules that `code` adds to NumPy's."""
    script = (
        f"import sys, numpy\nbefore = set(sys.modules)\n{code}\nprint(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", [*UNUSED, *HEAVY])
def test_what_is_not_imported_exists(name: str) -> None:
    assert importlib.util.find_spec(name), "a module that is not there is never imported"


def test_importing_darkpy_imports_nothing_else() -> None:
    modules = imported("import darkpy; darkpy.__version__; dir(darkpy)")
    assert {name for name in modules if name.startswith("darkpy")} == {"darkpy"}
    assert not modules.intersection(HEAVY)


def test_a_prediction_imports_only_what_it_needs(tmp_path: Path) -> None:
    cfg, weights = tmp_path / "small.cfg", tmp_path / "small.weights"
    cfg.write_text(CFG)
    darkpy.load(cfg).save_weights(weights)
    modules = imported(
        "import darkpy\n"
        "net = darkpy.load(sys.argv[1], sys.argv[2])\n"
        "net.predict(numpy.zeros((1, 3, 16, 16), numpy.float32))",
        str(cfg),
        str(weights),
    )
    assert "darkpy.layers.normalization" in modules
    assert sorted(modules.intersection((*UNUSED, *HEAVY))) == []


def test_a_network_imports_the_modules_of_its_own_sections_only(tmp_path: Path) -> None:
    cfg = tmp_path / "heads.cfg"
    cfg.write_text(
        "[net]\nchannels=1\nheight=8\nwidth=8\n"
        "[conv]\nfilters=7\nactivation=leaky\n[max]\n"
        "[convolutional]\nfilters=7\nactivation=linear\n[yolo]\nclasses=2\n"
        "[avg]\n[lrn]\n[connected]\noutput=4\n[soft]\n"
    )
    code = (
        "import darkpy\nnet = darkpy.load(sys.argv[1])\n"
        "net.activations(numpy.zeros((1, 1, 8, 8), numpy.float32))"
    )
    modules = imported(code, str(cfg))
    sections = {name for name in modules if name.startswith("darkpy.layers.")}
    shared = {name for name in sections if name.startswith("darkpy.layers.shared")}
    assert sections - shared == {
        *("darkpy.layers.base", "darkpy.layers.parameter", "darkpy.layers.registry"),
        *("darkpy.layers.shape", "darkpy.layers.convolutional", "darkpy.layers.maxpool"),
        *("darkpy.layers.yolo", "darkpy.layers.avgpool", "darkpy.layers.normalization"),
        *("darkpy.layers.connected", "darkpy.layers.softmax", "darkpy.layers.fusions"),
        "darkpy.layers.recorder",
    }
    assert modules.intersection(HEAVY) == {"random"}  # NumPy's generators, for the first weights


@pytest.mark.parametrize("name", ["convolutional", "conv", "yolo", "logistic", "local_avg"])
def test_every_section_is_found_by_its_name_alone(name: str) -> None:
    code = (
        "from darkpy.layers.registry import options_of\n"
        "assert [option.name for option in options_of(sys.argv[1])] == sys.argv[2].split(',')"
    )
    assert imported(code, name, ",".join(option.name for option in options_of(name)))


@pytest.mark.parametrize(
    ("old", "new"), [("flat", "darkpy.kernels.darknet_calls"), ("simd", "darkpy.engine.simd")]
)
def test_former_names_work_with_a_warning(old: str, new: str) -> None:
    moved = importlib.import_module(new)
    with pytest.warns(DeprecationWarning, match=f"darkpy.kernels.{old} is called {new} now"):
        module = getattr(kernels, old)
        names = {name: getattr(module, name) for name in moved.__all__}
    assert names == {name: getattr(moved, name) for name in moved.__all__}
    assert getattr(kernels, old) is module, "the module stays, whatever functions it has"


def test_a_function_hides_the_module_of_its_name() -> None:
    code = "from darkpy.kernels import softmax as module\nimport darkpy.kernels.softmax\n"
    assert imported(code + "assert callable(darkpy.kernels.softmax)")


def public_kernels() -> list[str]:
    """What the modules say themselves, read from their files."""
    folder = ROOT / "darkpy" / "kernels"
    modules = re.findall(r"^from (\S+) import \*", (folder / "_public.py").read_text(), re.M)
    assert modules
    return [name for module in modules for name in importlib.import_module(module).__all__]


@pytest.mark.parametrize("before", ["", "kernels.axpy_cpu", "kernels.darknet_calls; dir(kernels)"])
def test_the_kernels_offer_their_functions_and_constants_only(before: str) -> None:
    code = (
        f"from darkpy import kernels\n{before}\nspace = {{}}\n"
        "exec('from darkpy.kernels import *', space)\n"
        "names = sorted(sys.argv[1].split(',') + ['darknet_calls'])\n"
        "assert sorted(space.keys() - {'__builtins__'}) == names, sorted(space)\n"
        "assert dir(kernels) == names == kernels.__all__, dir(kernels)\n"
        "dir(kernels).clear()\n"
        "assert kernels.__all__ == names"
    )
    imported(code, ",".join(public_kernels()))


def test_help_lists_the_kernels() -> None:
    text = pydoc.plain(pydoc.render_doc(kernels))
    functions, constants = text.split("\nFUNCTIONS\n")[1].split("\nDATA\n")
    listed = set(re.findall(r"^    (\w+)\(", functions, re.M))
    wanted = {name for name in public_kernels() if inspect.isfunction(getattr(kernels, name))}
    assert listed == wanted
    assert "    ACTIVATIONS = " in constants
    assert "TYPE_CHECKING" not in text


def test_kernels_are_there_when_they_are_asked_for() -> None:
    code = (
        "import darkpy\nfrom darkpy import kernels\n"
        "assert 'darkpy.kernels.blas' not in sys.modules\n"
        "assert not hasattr(kernels, 'no_such_kernel')\n"
        "y = kernels.softmax_cpu(numpy.zeros((1, 4), numpy.float32))\n"
        "assert y.tolist() == [[0.25] * 4] and callable(kernels.softmax)\n"
        "from darkpy.kernels.darknet_calls import axpy_cpu\n"
        "exec('from darkpy.kernels import *')\n"
        "assert callable(fill_cpu)"
    )
    assert "darkpy.kernels.blas" in imported(code)
    assert {"fill_cpu", "gemm_cpu", "softmax", "darknet_calls"} <= set(dir(kernels))
    x = np.ones(3, np.float32)
    assert kernels.scal_cpu(2.0, x).tolist() == [2, 2, 2]
