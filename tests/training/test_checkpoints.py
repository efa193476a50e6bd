"""The files of a training have the names that the next one looks for."""

from __future__ import annotations

from fake_network import FakeNetwork

from darkpy.training.checkpoints import Checkpoints


def test_files_are_named_after_the_network(tmp_path):
    checkpoints = Checkpoints(tmp_path / "a" / "b", "net")
    saved = checkpoints.save(FakeNetwork(), "last")
    assert saved == checkpoints.saved == tmp_path / "a" / "b" / "net_last.weights"
    assert saved.stat().st_size == 8 + 4 * 48
