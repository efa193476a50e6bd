"""A weights file is the old one or the new one, whole."""

from __future__ import annotations

import pytest
from fake_network import FakeNetwork

from darkpy.errors import TrainingError
from darkpy.training.checkpoints import Checkpoints, write_atomically


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.weights"
    path.write_bytes(b"old")

    def fail(beside):
        beside.write_bytes(b"half of the n")
        raise OSError(28, "No space left on device")

    with pytest.raises(TrainingError, match=r"x\.weights: cannot be written: No space left"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.weights"
    path.write_bytes(b"old")

    def interrupted(beside):
        beside.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupted)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_named_after_the_network(tmp_path):
    checkpoints = Checkpoints(tmp_path / "a" / "b", "net")
    saved = checkpoints.save(FakeNetwork(), "last")
    assert saved == checkpoints.saved == tmp_path / "a" / "b" / "net_last.weights"
    assert saved.stat().st_size == 8 + 4 * 48
