"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from darkpy.engine import simd

# A busy machine must not fail a test: what takes long is measured where it matters.
hypothesis.settings.register_profile("darkpy", deadline=None)
hypothesis.settings.load_profile("darkpy")

ROOT = Path(__file__).resolve().parent.parent


def shared_folder() -> Path | None:
    """The folder with the large test material, or None."""
    folder = Path(os.environ.get("DARKPY_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "golden").is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The large test material; the test skips where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("the large test material is absent: set DARKPY_SHARED to its folder")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed: tests are repeatable."""
    return np.random.default_rng(20140917)


@pytest.fixture(params=simd.available())
def every_simd(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs once with each instruction set of this machine."""
    before = simd.simd()
    simd.use(request.param)
    yield request.param
    simd.use(before)


@pytest.fixture
def threads() -> Iterator[object]:
    """A function that sets the number of threads; it is put back afterwards."""
    before = simd.get_num_threads()
    yield simd.set_num_threads
    simd.set_num_threads(before)


@pytest.fixture
def same_bits(threads):
    """Call it with a function that returns arrays: 1, 2 and 7 threads must give equal bits."""

    def check(run):
        results = []
        for count in (1, 2, 7):
            threads(count)
            results.append([array.tobytes() for array in run()])
        assert results[0] == results[1] == results[2]

    return check
