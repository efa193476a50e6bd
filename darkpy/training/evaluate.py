"""Evaluation: the accuracy of a network on photos that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darkpy.data.batches import InputShape, batches, in_order
from darkpy.data.dataset import Dataset
from darkpy.errors import DataError
from darkpy.training.interface import Predictor

__all__ = ["Evaluation", "evaluate", "top_classes"]

LEAST_PROBABILITY = 1e-12  # keeps the logarithm of a confident mistake finite


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes
    ----------
    count : int
        Photos.
    top1 : float
        Share of photos, 0..1, whose most probable class is right.
    top_k : float or None
        Share whose right class is among the `k` most probable; None with `k` classes or fewer.
    k : int
    loss : float
        Mean of -log p(right class) over the photos, the outputs taken as probabilities.
    """

    count: int
    top1: float
    top_k: float | None
    k: int
    loss: float


def top_classes(outputs: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.intp]:
    """Return the k largest outputs' classes, largest first; equal ones in the order of the classes.

    Parameters
    ----------
    outputs : ndarray, shape (..., classes)
    k : int
        Cut to the number of classes.

    Returns
    -------
    ndarray of intp, shape (..., min(k, classes))
    """
    return np.argsort(-outputs, axis=-1, kind="stable")[..., :k]


def evaluate(
    net: Predictor,
    dataset: Dataset,
    *,
    batch: int = 64,
    threads: int = 1,
    k: int = 5,
    letterboxed: bool = False,
    mirrored: bool = False,
) -> Evaluation:
    """Let a network name every photo of a set and count how often it is right.

    Parameters
    ----------
    net : Network
    dataset : Dataset
    batch : int
        Photos predicted at once.
    threads : int
        Threads that decode photos ahead.
    k : int
        Of the top-k share.
    letterboxed : bool
        Photos with grey bars instead of the centre crop.
    mirrored : bool
        Count the mean of what the network says of each photo and of its mirror image.

    Raises
    ------
    DataError
        The network has another number of outputs than the data has classes, or a photo
        cannot be read.

    Notes
    -----
    A photo with several right classes counts as right if any of them is named.
    """
    shape = InputShape(net.channels, net.height, net.width)
    classes = len(dataset.names)
    k = min(k, classes)
    hits = hits_k = 0
    loss = 0.0
    stream = batches(
        dataset, in_order(dataset), batch, shape, threads=threads, letterboxed=letterboxed
    )
    for made in stream:
        outputs = net.predict(made.x)
        if mirrored:
            mirror_image = np.ascontiguousarray(made.x[..., ::-1])
            outputs = np.float32(0.5) * (outputs + net.predict(mirror_image))
        if outputs.shape[1] != classes:
            raise DataError(
                dataset.origin,
                0,
                f"{classes} classes, but the network has {outputs.shape[1]} outputs",
            )
        is_right = np.take_along_axis(made.truth > 0, top_classes(outputs, k), axis=1)
        hits += int(is_right[:, 0].sum())
        hits_k += int(is_right.any(axis=1).sum())
        logs = np.log(np.maximum(outputs, LEAST_PROBABILITY, dtype=np.float64))
        loss -= float((made.truth * logs).sum())
    count = len(dataset)
    return Evaluation(count, hits / count, hits_k / count if classes > k else None, k, loss / count)
