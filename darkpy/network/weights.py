"""Darknet's .weights files (spec 5): little-endian, a header, then every layer's arrays in order.

The header is major, minor, revision (int32) and the images seen: uint64 from version 0.2 on, else
int32. Files of a major or minor above 1000 hold connected weights transposed.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from darkpy.errors import WeightsError
from darkpy.kernels.boundary import FloatArray
from darkpy.layers.base import Layer
from darkpy.layers.parameter import Parameter

if TYPE_CHECKING:
    from darkpy.network.network import Network

__all__ = ["load_weights", "save_weights", "weights_count"]

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
    """Shape of what the file holds: with numload=n only the first n filters."""
    few = layer.values.numload
    return (min(few, parameter.shape[0]), *parameter.shape[1:]) if few else parameter.shape


def weights_count(network: Network, layers: int | None = None) -> int:
    """Floats after the header in the network's weights file (of its first `layers` layers)."""
    return sum(
        int(np.prod(_stored_shape(layer, parameter), dtype=np.int64))
        for layer in network.layers[:layers]
        for parameter in _arrays(layer, saving=False)
    )


def load_weights(network: Network, path: str | os.PathLike[str], layers: int | None) -> None:
    """Read the file into the network; nothing is changed unless all of it fits."""
    try:
        data = np.memmap(path, np.uint8, "r") if os.path.getsize(path) else np.empty(0, np.uint8)
    except OSError as error:
        raise WeightsError(path, 0, f"cannot be read: {error.strerror or error}") from error
    version, seen, start = _read_header(path, data)
    expected = weights_count(network, layers)
    found, rest = divmod(data.size - start, 4)
    if found < expected:
        where = _first_missing(network, layers, found)
        raise WeightsError(
            path,
            data.size,
            f"too short for {network.name}: {expected:,} values expected, {found:,} found; "
            f"it ends in {where}",
        )
    if layers is None and (found > expected or rest):
        extra = f"{found - expected:,} values" if found > expected else f"{rest} bytes"
        raise WeightsError(
            path,
            start + 4 * expected,
            f"too long for {network.name}: {expected:,} values expected, {extra} left over "
            "(is it of another network?)",
        )
    values = data[start : start + 4 * expected].view("<f4")
    read: list[tuple[Parameter, FloatArray]] = []
    at = 0
    for layer in network.layers[:layers]:
        for parameter in _arrays(layer, saving=False):
            shape = _stored_shape(layer, parameter)
            count = int(np.prod(shape, dtype=np.int64))
            array = values[at : at + count]
            if not np.isfinite(array).all():
                bad = int(np.flatnonzero(~np.isfinite(array))[0])
                raise WeightsError(
                    path,
                    start + 4 * (at + bad),
                    f"{layer.label} {parameter.name} holds {array[bad]} (value {bad} of {count:,})",
                )
            read.append((parameter, _arranged(layer, parameter, array, shape, version)))
            at += count
    for parameter, array in read:
        if array.shape != parameter.shape:  # numload: the other filters stay
            whole = parameter.value.copy()
            whole[: len(array)] = array
            array = whole
        parameter.assign(np.ascontiguousarray(array, np.float32))
    network.seen = seen
    network.file_version = version


def _arranged(
    layer: Layer,
    parameter: Parameter,
    array: FloatArray,
    shape: tuple[int, ...],
    version: tuple[int, int, int],
) -> FloatArray:
    """Give the file's values Darknet's shape, undoing the transposed forms."""
    if parameter.name == "weights":
        if layer.kind == "connected" and _is_transposed(version):
            return array.reshape(shape[::-1]).T
        if layer.kind == "convolutional" and layer.values.flipped:
            return array.reshape(-1, shape[0]).T.reshape(shape)
    return array.reshape(shape)


def _read_header(
    path: str | os.PathLike[str], data: np.ndarray[tuple[int], np.dtype[np.uint8]]
) -> tuple[tuple[int, int, int], int, int]:
    if data.size < 12:
        raise WeightsError(path, 0, f"too short for a header: {data.size} bytes")
    major, minor, revision = struct.unpack("<3i", data[:12].tobytes())
    version = (major, minor, revision)
    if major < 0 or minor < 0:
        raise WeightsError(path, 0, f"no Darknet weights: its version would be {major}.{minor}")
    layout = "<Q" if _has_long_seen(version) else "<i"
    end = 12 + struct.calcsize(layout)
    if data.size < end:
        raise WeightsError(path, 12, f"too short for a header: {data.size} bytes")
    return version, int(struct.unpack(layout, data[12:end].tobytes())[0]), end


def _first_missing(network: Network, layers: int | None, found: int) -> str:
    for layer in network.layers[:layers]:
        for parameter in _arrays(layer, saving=False):
            count = int(np.prod(_stored_shape(layer, parameter), dtype=np.int64))
            if found < count:
                return f"{layer.label} {parameter.name}, {found:,} of {count:,} values there"
            found -= count
    return "its last layer"


def save_weights(
    network: Network,
    path: str | os.PathLike[str],
    layers: int | None,
    version: tuple[int, int, int] | None,
) -> None:
    """Write the file beside its place, then move it there: readers see the old or the new."""
    version = version or network.file_version or (0, 2, network.dialect.weights_revision)
    layout = "<Q" if _has_long_seen(version) else "<i"
    try:
        header = struct.pack("<3i", *version) + struct.pack(layout, network.seen)
    except struct.error as error:
        raise WeightsError(
            path, 12, f"version {version} cannot store {network.seen} images seen"
        ) from error
    target = Path(path)
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            try:
                file.write(header)
                for layer in network.layers[:layers]:
                    for parameter in _arrays(layer, saving=True):
                        array = parameter.value
                        if (
                            parameter.name == "weights"
                            and layer.kind == "connected"
                            and _is_transposed(version)
                        ):
                            array = np.ascontiguousarray(array.T)
                        file.write(array.astype("<f4", copy=False).data)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(file.name, 0o644)
                os.replace(file.name, target)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise WeightsError(path, 0, f"cannot be written: {error.strerror or error}") from error
