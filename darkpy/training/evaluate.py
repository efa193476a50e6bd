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
        Number of photos.
    top1 : float
        Share of photos, 0..1, whose most probable class is right.
    top_k : float or None
        Share of photos whose right class is among the `k` most probable; None with `k` classes or
        fewer.
    k : int
    loss : float
        Mean of -log p(right class) over the photos; outputs are read as probabilities.
    """

    count: int
    top1: float
    top_k: float | None
    k: int
    loss: float


def top_classes(outputs: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.intp]:
    """Return the classes of the k largest outputs, largest first; equal ones in class order.

    Parameters
    ----------
    outputs : ndarray, shape (..., classes)
    k : int
        Limited to the number of classes.

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
    """Classify every photo of a set and count the right answers.

    Parameters
    ----------
    net : Network
    dataset : Dataset
    batch : int
        Photos predicted at once.
    threads : int
        Threads that decode the next photos.
    k : int
        The k of the top-k share.
    letterboxed : bool
        Show whole photos with grey bars instead of their centres.
    mirrored : bool
        Classify by the mean of the outputs for a photo and for its mirror image.

    Raises
    ------
    DataError
        The number of outputs differs from the number of classes, or a photo cannot be read.

    Notes
    -----
    For a photo with several right classes, any of them counts as right.
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
