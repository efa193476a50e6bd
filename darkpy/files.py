"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

__all__ = ["not_written", "replaced"]

_NUMBERS = itertools.count()


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the block ends, and only then.

    Whoever reads `path` sees the old file or the new one, whole, whatever happens meanwhile. The
    data are on the disk before the name changes, and the name before the block has ended. The new
    file has the permissions of any new file. Where `path` is a symbolic link, the file that it
    leads to is replaced. If the block raises, the old file stays and nothing else is left behind.

    Parameters
    ----------
    path : str or path

    Yields
    ------
    binary file
        Empty, in the folder of `path`.

    Raises
    ------
    OSError
        The file cannot be written, or `path` is a folder, a device or a pipe. For the caller to
        turn into an error that says what the file was for.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):  # /dev/null must stay what it is
        raise OSError(errno.EINVAL, "Not a regular file", os.fspath(path))
    file = _open_beside(target)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(file.name)
        raise
    _flush_folder(os.path.dirname(target))


def not_written(error: OSError) -> str:
    """Return what a message says behind the name of a file that `replaced` could not write."""
    return f"cannot be written: {error.strerror or error}"


def _open_beside(target: str) -> BinaryIO:
    """Make a new hidden file in the same folder: on another disk it could not be moved at once."""
    folder, name = os.path.split(target)
    start = name[:40]  # at most 160 bytes: a name may have 255
    while True:
        beside = os.path.join(folder, f".{start}.{os.getpid()}.{next(_NUMBERS)}.part")
        try:
            return open(beside, "xb")
        except FileExistsError:  # left by a killed process of the same number
            continue


def _flush_folder(folder: str) -> None:
    """Wait until the folder's entries are on the disk, where the system can do that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows; a folder that may be written to, but not listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot
            raise
    finally:
        os.close(descriptor)
