"""Darknet's .weights files: little-endian, a header, then every layer's arrays in order.

The header is major, minor, revision (int32) and the images seen: uint64 from version 0.2 on, else
int32. Files of a major or minor above 1000 hold connected weights transposed.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from darkpy.engine.boundary import FloatArray
from darkpy.engine.finite import first_not_finite
from darkpy.errors import WeightsError
from darkpy.layers.base import Layer
from darkpy.layers.parameter import Parameter, place_together, store_all
from darkpy.network.model import Model

__all__ = ["load_weights", "save_weights", "weights_count"]

#: A file is read in pieces of about so many bytes, or of one array if that is larger.
PIECE_BYTES = 32 << 20

_STATISTICS = ("scales", "rolling_mean", "rolling_variance")


def _has_long_seen(version: tuple[int, int, int]) -> bool:
    major, minor, _ = version
    return major * 10 + minor >= 2 and major < 1000 and minor < 1000


def _is_transposed(version: tuple[int, int, int]) -> bool:
    return version[0] > 1000 or version[1] > 1000


def _arrays(layer: Layer, *, saving: bool) -> Iterator[Parameter]:
    """The parameters of a layer that the file holds, in order."""
    o = layer.values
    if o.dontsave if saving else o.dontload:
        return
    for parameter in layer.parameters.values():
        if saving or not (o.dontloadscales and parameter.name in _STATISTICS):
            yield parameter


def _stored_shape(layer: Layer, parameter: Parameter) -> tuple[int, ...]:
    """Shape of the array in the file: with numload=n only the first n filters."""
    few = layer.values.numload
    return (min(few, parameter.shape[0]), *parameter.shape[1:]) if few else parameter.shape


def weights_count(model: Model, layers: int | None = None) -> int:
    """Floats after the header in the model's weights file (of its first `layers` layers)."""
    return sum(part.floats for part in _parts(model, 0, layers))


def load_weights(model: Model, path: str | os.PathLike[str], layers: int | None) -> None:
    """Read the file into the model; nothing is changed unless all of it fits."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise WeightsError(path, 0, "the file is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                _load(model, path, mapped, layers)
    except OSError as error:
        raise WeightsError(path, 0, f"cannot be read: {error.strerror or error}") from error


def _load(
    model: Model, path: str | os.PathLike[str], mapped: mmap.mmap, layers: int | None
) -> None:
    """Check the whole file, then copy it in pieces, so that only a piece is in memory twice."""
    version, seen, start = _read_header(path, mapped)
    _check_length(model, path, len(mapped) - start, start, layers)
    pieces = list(_pieces(_parts(model, start, layers)))
    for parts in pieces:
        _check_piece(path, mapped, parts)
        if len(pieces) > 1:
            _forget_pages(mapped)
    place_together(part.parameter for parts in pieces for part in parts)
    for parts in pieces:
        store_all((part.parameter, _filling(part, mapped, version)) for part in parts)
        if len(pieces) > 1:
            _forget_pages(mapped)
    model.seen = seen
    model.file_version = version


def _pieces(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    """Group consecutive arrays into pieces of about PIECE_BYTES; no piece is empty."""
    piece: list[_Part] = []
    for part in parts:
        piece.append(part)
        if part.offset + 4 * part.floats - piece[0].offset >= PIECE_BYTES:
            yield piece
            piece = []
    if piece:
        yield piece


def _check_piece(path: str | os.PathLike[str], mapped: mmap.mmap, parts: list[_Part]) -> None:
    """Raise WeightsError for the first NaN or infinity of these arrays."""
    start = parts[0].offset
    array = _floats(mapped, start, sum(part.floats for part in parts))
    bad = first_not_finite(array)
    if bad is not None:
        value = float(array[bad])
        del array  # the map cannot be closed while an array refers to it
        offset = start + 4 * bad
        part = next(part for part in parts if offset < part.offset + 4 * part.floats)
        raise WeightsError(
            path,
            offset,
            f"{part.layer.label} {part.parameter.name} holds {value} "
            f"(value {(offset - part.offset) // 4} of {part.floats:,})",
        )


def _floats(mapped: mmap.mmap, offset: int, count: int) -> FloatArray:
    """Return values of the file as a view."""
    return np.frombuffer(mapped, "<f4", count, offset).astype(np.float32, copy=False)


def _filling(part: _Part, mapped: mmap.mmap, version: tuple[int, int, int]) -> FloatArray:
    """Return the new value of a parameter, in Darknet's shape."""
    values = _arranged(part, _floats(mapped, part.offset, part.floats), version)
    if values.shape == part.parameter.shape:
        return values
    whole = part.parameter.value.copy()  # numload: the other filters stay
    whole[: len(values)] = values
    return whole


def _forget_pages(mapped: mmap.mmap) -> None:
    """Free the memory of the pages that were read; they stay in the system's file cache."""
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


class _Part(NamedTuple):
    """The place of one array in a file; `shape` is that of the part that is stored."""

    layer: Layer
    parameter: Parameter
    shape: tuple[int, ...]
    floats: int
    offset: int


def _parts(model: Model, start: int, layers: int | None) -> Iterator[_Part]:
    """All arrays of a file whose header has `start` bytes."""
    for layer in model.layers[:layers]:
        for parameter in _arrays(layer, saving=False):
            shape = _stored_shape(layer, parameter)
            count = math.prod(shape)
            yield _Part(layer, parameter, shape, count, start)
            start += 4 * count


def _check_length(
    model: Model, path: str | os.PathLike[str], length: int, start: int, layers: int | None
) -> None:
    """Raise WeightsError if the file holds fewer or more values than the model has."""
    expected = weights_count(model, layers)
    found, rest = divmod(length, 4)
    if found < expected:
        where = "its last layer"
        for part in _parts(model, 0, layers):
            if part.offset + 4 * part.floats > 4 * found:
                there = found - part.offset // 4
                where = (
                    f"{part.layer.label} {part.parameter.name}, {there:,} of {part.floats:,} there"
                )
                break
        raise WeightsError(
            path,
            start + length,
            f"too short for {model.name}: {expected:,} values expected, {found:,} found; "
            f"it ends in {where}",
        )
    if layers is None and (found > expected or rest):
        extra = f"{found - expected:,} values" if found > expected else f"{rest} bytes"
        raise WeightsError(
            path,
            start + 4 * expected,
            f"too long for {model.name}: {expected:,} values expected, {extra} left over "
            "(is it of another network?)",
        )


def _arranged(part: _Part, array: FloatArray, version: tuple[int, int, int]) -> FloatArray:
    """Return the file's values in Darknet's shape; transposed forms are transposed back."""
    shape = part.shape
    if part.parameter.name == "weights":
        if part.layer.kind == "connected" and _is_transposed(version):
            return array.reshape(shape[::-1]).T
        if part.layer.kind == "convolutional" and part.layer.values.flipped:
            return array.reshape(-1, shape[0]).T.reshape(shape)
    return array.reshape(shape)


def _read_header(
    path: str | os.PathLike[str], mapped: mmap.mmap
) -> tuple[tuple[int, int, int], int, int]:
    """Return the version, the number of images seen, and the header's length in bytes."""
    size = len(mapped)
    if size < 12:
        raise WeightsError(path, 0, f"too short for a header: {size} bytes")
    major, minor, revision = struct.unpack("<3i", mapped[:12])
    version = (major, minor, revision)
    if major < 0 or minor < 0:
        raise WeightsError(path, 0, f"no Darknet weights: its version would be {major}.{minor}")
    layout = "<Q" if _has_long_seen(version) else "<i"
    end = 12 + struct.calcsize(layout)
    if size < end:
        raise WeightsError(path, 12, f"too short for a header: {size} bytes")
    return version, int(struct.unpack(layout, mapped[12:end])[0]), end


def _check_finite(
    path: str | os.PathLike[str], layer: Layer, parameter: Parameter, array: FloatArray
) -> None:
    """Raise WeightsError for values that `load_weights` would refuse to read."""
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)][0]
        raise WeightsError(
            path, 0, f"not written: {layer.label} {parameter.name} holds {bad}; load good weights"
        )


def save_weights(
    model: Model,
    path: str | os.PathLike[str],
    layers: int | None,
    version: tuple[int, int, int] | None,
) -> None:
    """Write the file, whole or not at all."""
    from darkpy.files import not_written, replaced

    version = version or model.file_version or (0, 2, model.dialect.weights_revision)
    layout = "<Q" if _has_long_seen(version) else "<i"
    try:
        header = struct.pack("<3i", *version) + struct.pack(layout, model.seen)
    except struct.error as error:
        raise WeightsError(
            path, 12, f"version {version} cannot store {model.seen} images seen"
        ) from error
    try:
        with replaced(path) as file:
            file.write(header)
            for layer in model.layers[:layers]:
                for parameter in _arrays(layer, saving=True):
                    array = parameter.value
                    _check_finite(path, layer, parameter, array)
                    if (
                        parameter.name == "weights"
                        and layer.kind == "connected"
                        and _is_transposed(version)
                    ):
                        array = np.ascontiguousarray(array.T)
                    file.write(array.astype("<f4", copy=False).data)
    except OSError as error:
        raise WeightsError(path, 0, not_written(error)) from error
