"""The files of a training: their names, their order, and errors where one cannot be written."""

from __future__ import annotations

import pytest
from fake_network import FakeNetwork

from darkpy.errors import TrainingError, WeightsError
from darkpy.training.checkpoints import Checkpoints
from darkpy.training.history import History


class Failing(FakeNetwork):
    """Its weights cannot be written."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def save_weights(self, path):
        raise self.error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left"), r"net_best\.weights: cannot be written: No space left"),
        (WeightsError("x", 0, "not written: NaN"), r"x: not written: NaN$"),
    ],
)
def test_what_cannot_be_written_ends_the_training(tmp_path, error, message):
    checkpoints = Checkpoints(tmp_path, "net")
    with pytest.raises(TrainingError, match=message) as caught:
        checkpoints.save(Failing(error), "best")
    assert caught.value.__cause__ is error
    assert checkpoints.saved is None


def test_an_interruption_stays_one(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        Checkpoints(tmp_path, "net").save(Failing(KeyboardInterrupt()), "best")


def test_files_are_named_after_the_network(tmp_path):
    folder = tmp_path / "a" / "b"
    checkpoints = Checkpoints(folder, "net")
    saved = checkpoints.save(FakeNetwork(), "last")
    assert saved == checkpoints.saved == folder / "net_last.weights"
    assert saved.stat().st_size == 8 + 4 * 48
    checkpoints.save(FakeNetwork(), "best")
    checkpoints.save_names(["cat", "dög"])
    checkpoints.save_history(History("net", 3, 0))
    assert (folder / "net.names").read_text(encoding="utf-8") == "cat\ndög\n"
    assert (folder / "net_history.csv").read_text().startswith("epoch,updates,")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("net.names", "net_best.weights", "net_history.csv"),
        *("net_last.momentum", "net_last.weights"),
    ]


def test_momentum_is_written_before_its_weights(tmp_path):
    # So that a training killed in between is noticed: the momentum's `seen` is not the weights'.
    with pytest.raises(TrainingError):
        Checkpoints(tmp_path, "net").save(Failing(OSError(28, "No space left")), "last")
    assert [path.name for path in tmp_path.iterdir()] == ["net_last.momentum"]


@pytest.mark.parametrize("what", ["names", "history"])
def test_other_files_that_cannot_be_written_are_named(tmp_path, what):
    checkpoints = Checkpoints(tmp_path, "net")
    (tmp_path / "net.names").mkdir()
    (tmp_path / "net_history.csv").mkdir()
    with pytest.raises(TrainingError, match=r"net(\.names|_history\.csv): cannot be written: Is a"):
        if what == "names":
            checkpoints.save_names(["a"])
        else:
            checkpoints.save_history(History("net", 3, 0))
