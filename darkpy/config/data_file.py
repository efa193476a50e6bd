"""Darknet's .data files, and the lists of images, names and labels that they point to.

A .data file has the lines of a .cfg without sections: ``classes = 10``, ``train = train.list``.
Unlike Darknet, which removes the spaces inside a path, darkpy tries the path as written first.
A relative path is looked up beside the file that names it, then in the working directory. Darknet
knows only the latter; with both, its own files work from its folder, and other data sets from
anywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from darkpy.config.option import choice, flag, integer, text
from darkpy.config.options import Options, did_you_mean, read_options
from darkpy.config.sections import Entry, Section
from darkpy.config.text import (
    MAX_CFG_BYTES,
    MAX_LIST_BYTES,
    decode,
    quoted,
    read_bytes,
    split_option,
)
from darkpy.errors import ArgumentError, ConfigError, ConfigSyntaxError

__all__ = [
    "DataFile",
    "parse_data",
    "read_data",
    "read_image_list",
    "read_names",
]

_IMAGE_LISTS = ("train", "valid", "test")

#: Every key of a .data file.
DATA_OPTIONS = (
    integer("classes", None, "number of classes; as many as there are names", minimum=1),
    text("train", None, "list of the images to train on"),
    text("valid", None, "list of the images to validate on"),
    text("test", None, "list of the images to test on"),
    text("names", None, "names of the classes as shown; the labels"),
    text("labels", None, "labels of the classes as found in image paths; the names"),
    text("backup", None, "folder for checkpoints"),
    text("results", "results", "folder for results"),
    integer("top", None, "largest k of top-k; the command's own", minimum=1),
    text("tree", None, "tree of the classes, lines `name parent`"),
    text("leaves", None, "list of the leaves of the tree"),
    text("map", None, "class of the tree for each class of the data, one integer per line"),
    flag("tag", False, "an image may carry several labels"),
    choice(
        "eval",
        "voc",
        ("voc", "coco", "imagenet", "kitti", "bdd"),
        "form of a detector's results",
        alexeyab_choices=("kitti", "bdd"),
    ),
    text("difficult", None, "list of the difficult images", dialect="alexeyab"),
    integer("saveweights", None, "updates between checkpoints", minimum=1, dialect="alexeyab"),
    integer("savelast", 100, "updates between `last` files", minimum=1, dialect="alexeyab"),
)

# White space before the sign, or the line's start: a path may hold '#' and ';' itself.
_COMMENT = re.compile(r"(?:^|(?<=\s))[#;]")


class DataFile(Options):
    """A checked .data file: `Options` (``data.classes``, ``data.train``, ...) that can find paths.

    Attributes hold paths as the file has them; the methods resolve them.
    """

    __slots__ = ()

    @property
    def folder(self) -> Path:
        """The folder of the .data file."""
        return Path(self.section.path).parent

    def find(self, key: str) -> Path:
        """Return the path that `key` names; it exists.

        Raises
        ------
        ConfigError
            `key` is not given, or the path does not exist; the message lists all that were tried.
        """
        written = self[key]
        if written is None:
            raise self.section.error(f"{key}= is missing")
        found, tried = _find(written, (self.folder, Path()))
        if found is None:
            raise self.error(key, f"no such file, tried {tried}")
        return found

    def output_folder(self, key: str = "backup") -> Path | None:
        """Return the folder to write to, or None when `key` has no value.

        It need not exist. A relative one that does not exist yet is meant in the working directory,
        as in Darknet.
        """
        written = self[key]
        if written is None:
            return None
        found, _ = _find(written, (self.folder, Path()))
        return found or Path(written)

    def read_images(self, key: str) -> tuple[Path, ...]:
        """Return the images of the list ``train``, ``valid`` or ``test``; all of them exist."""
        if key not in _IMAGE_LISTS:
            raise ArgumentError(
                f"key must be one of {', '.join(_IMAGE_LISTS)}, "
                f"got {key!r}{did_you_mean(key, _IMAGE_LISTS)}"
            )
        return read_image_list(self.find(key), (self.folder,))

    def read_names(self) -> tuple[str, ...]:
        """Return the name of each class as shown to people: from `names`, else from `labels`."""
        return self._classes_of("labels" if self.names is None else "names")

    def read_labels(self) -> tuple[str, ...]:
        """Return the label of each class as in image paths: from `labels`, else from `names`."""
        return self._classes_of("names" if self.labels is None else "labels")

    def _classes_of(self, key: str) -> tuple[str, ...]:
        """Read a list with one line per class, and cut it to `classes` as Darknet does."""
        path = self.find(key)
        names = read_names(path)
        if self.classes is None:
            return names
        if len(names) < self.classes:
            raise self.error("classes", f"{path} has only {len(names)} lines")
        return names[: self.classes]


def read_data(path: str | os.PathLike[str], *, strict: bool = False) -> DataFile:
    """Read a .data file.

    Raises
    ------
    ConfigError
        The file cannot be read, a line is no ``key=value``, or a value has the wrong type.

    Warns
    -----
    UnusedOptionWarning
        For unknown and repeated keys; an error with `strict`.
    """
    content, _ = decode(read_bytes(path, MAX_CFG_BYTES), path)
    return parse_data(content, os.fspath(path), strict=strict)


def parse_data(content: str, path: str = "<string>", *, strict: bool = False) -> DataFile:
    """Parse the text of a .data file; `path` is its name in messages and for relative paths."""
    entries = []
    for line, raw in enumerate(content.split("\n"), start=1):
        code = _COMMENT.split(raw, maxsplit=1)[0].strip()
        if not code:
            continue
        key, equals, value = code.partition("=")
        code = "".join(key.split()) + equals + value.strip()
        if not code.isprintable():
            raise ConfigSyntaxError(path, line, f"unprintable character in {quoted(code)}")
        entries.append(Entry(*split_option(code, path, line), line))
    section = Section("", 0, path, tuple(entries))
    options = read_options(section, DATA_OPTIONS, strict=strict)
    return DataFile(section, {name: options[name] for name in options})


def read_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Read a list of names or labels: one per line, its position is the class.

    Blanks around a name and empty lines at the end of the file do not count.

    Raises
    ------
    ConfigError
        The file cannot be read, has no name, or has an empty line between names, which would be a
        class without a name or shift all later names to a wrong class.
    """
    content, _ = decode(read_bytes(path, MAX_LIST_BYTES), path)
    names = tuple(line.strip() for line in content.rstrip().split("\n"))
    for line, name in enumerate(names, start=1):
        if not name:
            what = "no name in this file" if len(names) == 1 else "an empty line between names"
            raise ConfigSyntaxError(path, line, what)
    return names


def read_image_list(path: str | os.PathLike[str], folders: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Read a list of images: one path per line; empty lines do not count.

    Parameters
    ----------
    path : str or path-like
        The list.
    folders : sequence of Path
        Folders in which relative paths are looked up first, before the list's own folder and the
        working directory.

    Raises
    ------
    ConfigError
        The list cannot be read or is empty, or an image does not exist; the message names the line.
    """
    content, is_utf8 = decode(read_bytes(path, MAX_LIST_BYTES), path)
    if not is_utf8:  # file names are bytes: take them as they are
        content = os.fsdecode(content.encode("latin-1"))
    places = tuple(dict.fromkeys((*folders, Path(path).parent, Path())))
    images = []
    for line, raw in enumerate(content.split("\n"), start=1):
        written = raw.strip()
        if not written:
            continue
        found, tried = _find(written, places)
        if found is None:
            raise ConfigError(path, line, f"no such file: {quoted(written)}, tried {tried}")
        images.append(found)
    if not images:
        raise ConfigSyntaxError(path, 1, "no image in this list")
    return tuple(images)


def _find(written: str, folders: Sequence[Path]) -> tuple[Path | None, str]:
    """Return the first path that exists, or None, and a text that lists all that were tried.

    A path with spaces is also tried without them, because Darknet would remove them.
    """
    spellings = dict.fromkeys((written, "".join(written.split())))
    # The prefix of the working directory is empty: "a.jpg" reads better than "./a.jpg".
    prefixes = ["" if folder == Path() else str(folder) for folder in folders]
    candidates = dict.fromkeys(
        os.path.join(prefix, spelling) for spelling in spellings for prefix in prefixes
    )
    for candidate in candidates:
        if os.path.exists(candidate):
            return Path(candidate), ""
    return None, " and ".join(quoted(candidate, 1000) for candidate in candidates)
