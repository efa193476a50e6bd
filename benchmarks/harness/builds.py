"""Two built source trees: their processes' environment, and files that both read.

Nothing here imports darkpy but `check_tree`, which runs in a process of one tree.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.machine import clean_environment

__all__ = [
    "SIMD",
    "Tree",
    "check_tree",
    "random_texts",
    "reply_of",
    "with_net_options",
]

#: Values of DARKPY_SIMD, the best first.
SIMD = ("avx512", "avx2", "baseline")
#: Longest time that a process may take, in seconds.
LIMIT = 900
SCRIPT = Path(__file__).resolve().parent.parent / "bits.py"
KNOWN_INSTRUCTIONS = "import darkpy; print(darkpy.simd())"
GENERATOR = """
import json, sys, warnings
from hypothesis import HealthCheck, Phase, given, seed, settings
from random_networks import networks
SETTINGS = settings(
    max_examples=25, phases=[Phase.generate], database=None, deadline=None,
    suppress_health_check=list(HealthCheck),
)
warnings.simplefilter("ignore")
def longest(number):
    texts = []
    @seed(number)
    @SETTINGS
    @given(networks())
    def collect(text):
        texts.append(text)
    collect()
    return max(texts, key=lambda text: text.count("["))
print(json.dumps([longest(number) for number in range(int(sys.argv[1]))]))
"""


class Tree:
    """A source tree with its extension built in place.

    Parameters
    ----------
    path : str or path
        The folder that holds the package darkpy, ``cfg`` and ``tests``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).resolve()
        if not (self.path / "darkpy" / "__init__.py").is_file():
            raise SystemExit(f"{path}: no source tree of darkpy: there is no darkpy/__init__.py")

    def variables(self, simd: str) -> dict[str, str]:
        """What makes a process import this tree and use one instruction set."""
        return {"PYTHONPATH": str(self.path), "DARKPY_SIMD": simd}

    def instruction_sets(self) -> list[str]:
        """The instruction sets that this build has and this processor can run, the best first."""
        found, words = [], ""
        for simd in SIMD:
            process = subprocess.run(
                [sys.executable, "-c", KNOWN_INSTRUCTIONS],
                env=clean_environment(1, self.variables(simd)),
                cwd=self.path,
                capture_output=True,
                text=True,
                check=False,
            )
            if process.stdout.strip() == simd:
                found.append(simd)
            else:
                words = process.stderr.strip()
        if not found:
            raise SystemExit(f"{self.path} cannot be imported; is it built?\n{words}")
        return found


def check_tree(tree: str) -> None:
    """Fail unless the darkpy of this process lies in `tree`."""
    import darkpy

    found = Path(darkpy.__file__).resolve()
    if not found.is_relative_to(tree):
        raise ImportError(f"imported {found}, which is not of {tree}")


def reply_of(tree: Tree, simd: str, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let a process of its own do jobs of bits.py; where it ends early, that is all their reply."""
    task = {"tree": str(tree.path), "simd": simd, "jobs": jobs}
    # Both trees are at work at once: threads that wait must not keep a core busy.
    variables = tree.variables(simd) | {"OMP_WAIT_POLICY": "passive"}
    try:
        process = subprocess.run(
            [sys.executable, str(SCRIPT)],
            input=json.dumps(task),
            env=clean_environment(1, variables),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [{"lost": f"no answer within {LIMIT} s"}] * len(jobs)
    if process.returncode == 0 and process.stdout:
        replies: list[dict[str, Any]] = json.loads(process.stdout)
        return replies
    words = (process.stderr.strip().splitlines() or [""])[-1]
    return [{"lost": f"ended with status {process.returncode}. {words}"}] * len(jobs)


def with_net_options(text: str, options: Mapping[str, object]) -> str:
    """The text of a cfg whose [net] section has other values."""
    if not options:
        return text
    head = re.search(r"^\s*\[(net|network)\].*$", text, re.MULTILINE)
    if head is None:
        raise ValueError("a cfg without [net]")
    rest = text[head.end() :]
    end = re.search(r"^\s*\[", rest, re.MULTILINE)
    body, tail = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    kept = [line for line in body.splitlines() if line.split("=")[0].strip() not in options]
    values = [f"{key}={value}" for key, value in options.items()]
    return "\n".join([text[: head.end()], *values, *kept, tail.lstrip("\n")])


def random_texts(tree: Tree, count: int) -> list[str]:
    """Texts of cfg files from the tests' own generator, long ones; none without it."""
    if not count:
        return []
    tests = tree.path / "tests"
    process = subprocess.run(
        [sys.executable, "-c", GENERATOR, str(count)],
        env=clean_environment(1, {"PYTHONPATH": f"{tests}:{tree.path}"}),
        cwd=tests,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        words = (process.stderr.strip().splitlines() or [""])[-1]
        print("no random networks:", words, file=sys.stderr)
        return []
    texts: list[str] = json.loads(process.stdout)
    return texts
