"""A file that is replaced is the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import darkpy
from darkpy.config.sections import parse_cfg
from darkpy.data import write_idx
from darkpy.data.names import write_names
from darkpy.errors import ArgumentError, DataError, TrainingError, WeightsError
from darkpy.files import replaced
from darkpy.training.history import History


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.weights"
    path.write_bytes(b"old")
    return path


def test_the_new_file_appears_at_the_end(path: Path) -> None:
    with replaced(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), replaced(path) as file:
        file.write(b"half of the n")
        raise error
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="Input/output"), replaced(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_the_data_reach_the_disk_before_the_name_and_the_name_before_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def logged_fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "data")
        fsync(descriptor)

    def logged_replace(source: str, target: str) -> None:
        done.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(os, "replace", logged_replace)
    with replaced(path) as file:
        file.write(b"new")
    assert done == ["data", "name", "folder"]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_permissions_are_those_of_a_new_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with replaced(tmp_path / "a") as file:
            file.write(b"")
        (tmp_path / "b").write_bytes(b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_link_stays_a_link(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path.name)
    with replaced(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    path.unlink()
    with replaced(link) as file:  # as open(link, "wb") does
        file.write(b"newer")
    assert link.is_symlink()
    assert path.read_bytes() == b"newer"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), replaced(tmp_path):
        pytest.fail("the block must not run")


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file"), replaced(tmp_path / "pipe"):
        pytest.fail("the block must not run")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize(("code", "is_told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_may_be_unable_to_flush_folders(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_told: bool
) -> None:
    fsync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    told = False
    try:
        with replaced(path) as file:
            file.write(b"new")
    except OSError:
        told = True
    assert told == is_told
    assert path.read_bytes() == b"new"


def test_of_two_writers_the_last_wins(path: Path) -> None:
    with replaced(path) as first, replaced(path) as second:
        first.write(b"first")
        second.write(b"second")
    assert path.read_bytes() == b"first"  # its block ends last
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_left_is_no_obstacle(path: Path) -> None:
    with replaced(path) as file:
        number = int(Path(file.name).name.split(".")[-2])
    left = path.with_name(f".{path.name}.{os.getpid()}.{number + 1}.part")
    left.write_bytes(b"left")
    with replaced(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert left.read_bytes() == b"left"


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127, "\N{SNAKE}" * 63], ids=["x", "ae", "snake"])
def test_a_long_name_is_no_obstacle(tmp_path: Path, name: str) -> None:
    with replaced(tmp_path / name) as file:
        file.write(b"new")
    assert (tmp_path / name).read_bytes() == b"new"


# -- everything that darkpy writes ----------------------------------------------------------------

CFG = "[net]\ninputs=3\n[connected]\noutput=2\n[softmax]\n"


def export(net: darkpy.Network, path: Path) -> None:
    pytest.importorskip("onnx")
    from darkpy.export.model import export_onnx

    export_onnx(net, path)


Writer = Callable[[darkpy.Network, Path], None]
WRITERS: dict[str, tuple[Writer, type[Exception]]] = {
    "weights": (lambda net, path: net.save_weights(path), WeightsError),
    "momentum": (lambda net, path: net.save_momentum(path), WeightsError),
    "onnx": (export, ArgumentError),
    "names": (lambda net, path: write_names(path, ["a", "b"]), DataError),
    "idx": (lambda net, path: write_idx(path, np.zeros((2, 3), np.uint8)), DataError),
    "csv": (lambda net, path: History("net", 1, 0).write_csv(path), TrainingError),
}


@pytest.fixture
def net() -> darkpy.Network:
    net = darkpy.Network(parse_cfg(CFG))
    net.train_step(np.ones((1, 3), np.float32), np.ones((1, 2), np.float32))
    return net


@pytest.fixture
def group_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """New files are for owner and group, and nobody may change that, not for a moment."""
    before, change = os.umask(0o027), os.umask

    def refuse(mask: int) -> int:
        raise AssertionError("the umask is the whole process's")

    monkeypatch.setattr(os, "umask", refuse)
    yield
    change(before)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.usefixtures("group_only")
def test_every_file_is_a_new_one_whole(kind: str, path: Path, net: darkpy.Network) -> None:
    write, _ = WRITERS[kind]
    write(net, path)
    first = path.read_bytes()
    assert first != b"old"
    write(net, path)
    assert path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kind", WRITERS)
def test_every_file_that_cannot_be_written_leaves_the_old_one(
    kind: str, path: Path, net: darkpy.Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, error = WRITERS[kind]

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(error, match="cannot be written: Is a directory"):
        write(net, path.parent)
    monkeypatch.setattr(os, "fsync", full)
    expected = r"x\.weights.* cannot be written: No space left on device"
    with pytest.raises(error, match=expected):
        write(net, path)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]
