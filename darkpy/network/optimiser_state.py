"""The optimiser's state as a file; Darknet's .weights format has no room for it.

Little-endian: the 16 bytes ``darkpy momentum1``; the numbers of images and of steps so far
(uint64); the optimiser's `file_code` (uint64), 1 for SGD and 2 for Adam; then for each trained
parameter, in the order of the weights file, the arrays that the optimiser stores, in Darknet's
order (float32). A step is a mini-batch; dropout and random crops derive their random numbers from
its number.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from darkpy.engine.boundary import FloatArray
from darkpy.errors import WeightsError
from darkpy.files import not_written, replaced
from darkpy.layers.parameter import Parameter
from darkpy.network.model import Model
from darkpy.network.optimisers import optimiser_classes
from darkpy.network.optimisers.base import Optimiser

__all__ = ["load_state", "save_state"]

MAGIC = b"darkpy momentum1"
HEADER = struct.Struct("<16s3Q")


def _arrays(
    model: Model, optimiser: Optimiser
) -> Iterator[tuple[str, Parameter, Sequence[FloatArray]]]:
    """Each trained parameter with its name and arrays, in the engine's order."""
    for layer in model.layers:
        for parameter in layer.parameters.values():
            if parameter.trainable:
                yield f"{layer.label} {parameter.name}", parameter, optimiser.stored(parameter)


def save_state(model: Model, optimiser: Optimiser, path: str | os.PathLike[str]) -> None:
    """Write the file, whole or not at all.

    Raises
    ------
    WeightsError
        It cannot be written.
    """
    try:
        with replaced(path) as file:
            file.write(HEADER.pack(MAGIC, model.seen, model.steps, optimiser.file_code))
            for _, parameter, arrays in _arrays(model, optimiser):
                for array in arrays:
                    file.write(parameter.to_darknet(array).astype("<f4", copy=False).data)
    except OSError as error:
        raise WeightsError(path, 0, not_written(error)) from error


def load_state(model: Model, optimiser: Optimiser, path: str | os.PathLike[str]) -> None:
    """Read the file; nothing is changed unless all of it fits.

    Raises
    ------
    WeightsError
        It is no such file, too short or too long, not finite, from another optimiser, or was not
        written together with the network's weights.
    """
    try:
        with open(path, "rb") as file:
            steps = _check(model, optimiser, Path(path), file)
            for _, parameter, arrays in _arrays(model, optimiser):
                for array in arrays:
                    parameter.from_darknet(_read(file, parameter.count), array)
    except OSError as error:
        raise WeightsError(path, 0, f"cannot be read: {error.strerror or error}") from error
    model.steps = steps


def _check(model: Model, optimiser: Optimiser, path: Path, file: BinaryIO) -> int:
    """Check the whole file, go back to the first array, and return the number of steps."""
    head = file.read(HEADER.size)
    if len(head) < HEADER.size or head[:16] != MAGIC:
        raise WeightsError(path, 0, "this is not a darkpy .momentum file")
    _, seen, steps, kind = HEADER.unpack(head)
    if kind != optimiser.file_code:
        names = {known.file_code: known.name for known in optimiser_classes()}
        other = names.get(kind, f"an unknown optimiser, number {kind}")
        raise WeightsError(path, 32, f"its state is that of {other}, the cfg's is {optimiser.name}")
    if seen != model.seen:
        raise WeightsError(
            path, 16, f"it belongs to weights that saw {seen:,} images, not {model.seen:,}"
        )
    count = sum(p.count * len(arrays) for _, p, arrays in _arrays(model, optimiser))
    size = os.fstat(file.fileno()).st_size
    if size != HEADER.size + 4 * count:
        raise WeightsError(
            path,
            size,
            f"{(size - HEADER.size) // 4:,} values, but {model.name} has {count:,} to update",
        )
    for name, parameter, arrays in _arrays(model, optimiser):
        for _ in arrays:
            if not np.isfinite(_read(file, parameter.count)).all():
                raise WeightsError(path, file.tell(), f"{name}: its updates are not finite")
    file.seek(HEADER.size)
    return int(steps)


def _read(file: BinaryIO, count: int) -> FloatArray:
    """The next `count` values."""
    return np.frombuffer(file.read(4 * count), "<f4").astype(np.float32, copy=False)
