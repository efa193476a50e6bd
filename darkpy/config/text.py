"""Text files: decoding, and splitting into the pieces that all of Darknet's formats share.

Everything that is true for .cfg files, .data files and lists alike belongs here: reading with a
limit, decoding, the split of ``key=value``, and how a piece of a file is quoted in a message.
"""

from __future__ import annotations

import os

from darkpy.errors import ConfigError, ConfigSyntaxError

__all__ = ["MAX_CFG_BYTES", "MAX_LIST_BYTES", "decode", "quoted", "read_bytes", "split_option"]

#: The largest .cfg or .data file accepted; the longest that the forks ship has 60 kB.
MAX_CFG_BYTES = 4 << 20
#: The largest list of images, names or labels accepted (all of ImageNet's paths take 60 MB).
MAX_LIST_BYTES = 256 << 20


def quoted(text: str, limit: int = 60) -> str:
    """Return `text` in quotes for a message: escapes visible, cut after `limit` characters."""
    return repr(text) if len(text) <= limit else repr(text[:limit]) + "..."


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a whole file of at most `limit` bytes.

    Raises
    ------
    ConfigError
        The file is missing, a folder, unreadable, or longer than `limit`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except IsADirectoryError:
        raise ConfigError(path, 0, "is a folder, not a file") from None
    except FileNotFoundError:
        raise ConfigError(path, 0, "no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL inside the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(path, 0, f"cannot be read: {reason}") from None
    if len(data) > limit:
        raise ConfigError(path, 0, f"is longer than {limit:,} bytes: not a text file of Darknet's")
    return data


def decode(data: bytes, path: str | os.PathLike[str]) -> tuple[str, bool]:
    """Decode a text file; return its text and whether it was UTF-8.

    Bytes that are not UTF-8 are read as Latin-1, in which every byte is a character: old files
    carry such comments. The caller decides where these characters may stand.

    Raises
    ------
    ConfigSyntaxError
        A NUL byte: the file is binary, or UTF-16.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigSyntaxError(path, 1, "the file is UTF-16: save it as UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise ConfigSyntaxError(path, line, "a NUL byte: this is a binary file, not text")
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return data.decode("latin-1"), False


def split_option(code: str, path: str | os.PathLike[str], line: int) -> tuple[str, str]:
    """Split ``key=value`` at its first ``=``; neither may be empty.

    Darknet drops a line that ends in ``=``, and uses the default for a line without one. Here both
    are errors, because the author meant something by the line.
    """
    key, equals, value = code.partition("=")
    if not equals:
        raise ConfigSyntaxError(
            path, line, f"{quoted(code)} is neither [section], key=value nor a comment"
        )
    if not key:
        raise ConfigSyntaxError(path, line, f"{quoted(code)} has no key before '='")
    if not value:
        raise ConfigSyntaxError(path, line, f"{quoted(key)} has no value behind '='")
    return key, value
