"""IDX files: the format of MNIST and its many successors, plain or gzipped.

A file is: two zero bytes, a type byte (8 = unsigned byte, the only one that photos come in), the
number of dimensions, each size as a big-endian 32-bit integer, then the bytes in C order.
Source: Yann LeCun's page of the MNIST database.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darkpy.data.dataset import ArrayDataset
from darkpy.data.names import find_names
from darkpy.errors import DataError
from darkpy.files import not_written, replaced

__all__ = ["find_idx_files", "open_idx", "read_idx", "write_idx"]

UNSIGNED_BYTE = 8
MOST_BYTES = 1 << 34  # larger than any photo set in memory: a broken header must not allocate it


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes; gzip is recognised by content, not by name.

    Raises
    ------
    DataError
        The file is absent, no IDX file, of another type, too short or too long.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError:
        raise DataError(path, 0, "there is no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(path, 0, f"cannot be read: {error}") from error
    if len(data) < 4 or data[:2] != b"\0\0":
        raise DataError(path, 0, "this is no IDX file (it does not begin with two zero bytes)")
    kind, dimensions = data[2], data[3]
    if kind != UNSIGNED_BYTE:
        raise DataError(path, 0, f"IDX type {kind:#04x} found, only unsigned bytes (0x08) are read")
    start = 4 + 4 * dimensions
    if dimensions == 0 or len(data) < start:
        raise DataError(path, 0, f"the header promises {dimensions} sizes and ends before them")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    expected = math.prod(shape)
    if expected > MOST_BYTES:
        raise DataError(path, 0, f"the header promises {expected} bytes: this cannot be right")
    if len(data) - start != expected:
        sizes = "x".join(map(str, shape))
        word = "short" if len(data) - start < expected else "long"
        raise DataError(
            path,
            0,
            f"too {word}: {sizes} = {expected} bytes promised, {len(data) - start} there",
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def write_idx(path: str | os.PathLike[str], array: npt.NDArray[np.uint8]) -> None:
    """Write unsigned bytes as an IDX file, gzipped if the name ends in .gz.

    The file is written as a whole or not at all.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    data = header + np.ascontiguousarray(array, np.uint8).tobytes()
    if os.fspath(path).endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    try:
        with replaced(path) as file:
            file.write(data)
    except OSError as error:
        text = not_written(error)
        raise DataError(path, 0, text) from error


# Words in the names of files: one for the split, one for the content.
TRAIN_WORDS = ("train",)
VALID_WORDS = ("t10k", "test", "valid")


def find_idx_files(folder: Path) -> dict[str, Path]:
    """Find train/valid images/labels in a folder; keys like ``"train images"``.

    MNIST's names and their variants are recognised (``train-images-idx3-ubyte``, also with a dot
    for the dash, and .gz).  A plain file is preferred to its gzipped twin.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), reverse=True):  # x.gz sorts before x: x is kept
        name = path.name.lower()
        if "ubyte" not in name and ".idx" not in name:
            continue
        content = "images" if "images" in name else "labels" if "labels" in name else None
        for split, words in (("train", TRAIN_WORDS), ("valid", VALID_WORDS)):
            if content and any(word in name for word in words):
                found[f"{split} {content}"] = path
                break
    return found


def open_idx(
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    names: list[str] | None = None,
) -> ArrayDataset:
    """Open a file of images and its file of labels.

    Parameters
    ----------
    images : path
        Unsigned bytes of shape (n, h, w), or (n, h, w, 3) for colour.
    labels : path
        Unsigned bytes of shape (n,).
    names : list of str, optional
        One name for each class; by default those of a .names file in the folder of `images`, else
        the class numbers.
    """
    pixels = read_idx(images)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.ndim == 4 and pixels.shape[3] in (1, 3):
        pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    else:
        raise DataError(
            images, 0, f"images of shape (n, h, w) or (n, h, w, 3) expected, found {pixels.shape}"
        )
    if 0 in pixels.shape[1:]:
        raise DataError(images, 0, f"the images have no pixels: shape {pixels.shape}")
    classes = read_idx(labels)
    if classes.ndim != 1:
        raise DataError(labels, 0, f"labels of shape (n,) expected, found {classes.shape}")
    if len(classes) != len(pixels):
        raise DataError(
            labels, 0, f"{len(classes)} labels for the {len(pixels)} images of {os.fspath(images)}"
        )
    if not len(classes):
        raise DataError(images, 0, "there are no images in it")
    if names is None:
        names = find_names(Path(images).parent)
    if names is None:
        names = [str(number) for number in range(int(classes.max()) + 1)]
    if int(classes.max()) >= len(names):
        entry = int(np.argmax(classes >= len(names)))
        raise DataError(
            labels, 0, f"label {classes[entry]} of image {entry} is not in 0..{len(names) - 1}"
        )
    return ArrayDataset(pixels, classes, names, origin=os.fspath(images))
