"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest

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
