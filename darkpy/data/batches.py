"""Batches, prepared by threads while the network works on the previous one.

The order and the content of the batches do not depend on the number of threads: each sample's
random numbers are its own (`darkpy.data.augment.random_stream`), and each is written to its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from darkpy.data.augment import Augmentation, random_stream
from darkpy.data.dataset import Dataset
from darkpy.data.prepare import fit
from darkpy.errors import ArgumentError

__all__ = ["Batch", "InputShape", "SampleKey", "batches", "in_order", "smooth"]

SampleKey = tuple[int, int]
"""(epoch, index): which sample, and which of its random variants."""


@dataclass(frozen=True)
class InputShape:
    """Shape of a network's input: channels, and height and width in pixels."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Batch:
    """Samples ready for the network.

    Attributes
    ----------
    x : ndarray of float32, shape (n, channels, height, width)
    truth : ndarray of float32, shape (n, *truth_shape)
        The truths of the photos; their shape is `Dataset.truth_shape`.
    keys : list of (epoch, index)
    """

    x: npt.NDArray[np.float32]
    truth: npt.NDArray[np.float32]
    keys: list[SampleKey]

    @property
    def indices(self) -> list[int]:
        """The samples' numbers in their dataset."""
        return [index for _, index in self.keys]


def in_order(dataset: Dataset) -> Iterator[SampleKey]:
    """Every sample once, from the first to the last."""
    return ((0, index) for index in range(len(dataset)))


def batches(
    dataset: Dataset,
    keys: Iterable[SampleKey],
    size: int,
    shape: InputShape,
    *,
    augmentation: Augmentation | None = None,
    letterboxed: bool = False,
    smoothing: float = 0.0,
    seed: int = 0,
    threads: int = 1,
    ahead: int = 2,
) -> Iterator[Batch]:
    """Divide a stream of samples into batches and prepare them before they are needed.

    Parameters
    ----------
    dataset : Dataset
    keys : iterable of (epoch, index)
        May be endless: only keys of batches that are being prepared are read.
    size : int
        Samples in a batch; the last batch of a finite stream may be smaller.
    shape : InputShape
    augmentation : Augmentation, optional
        Random changes; without them, `fit` brings each photo to the network's size.
    letterboxed : bool
        Passed to `fit`.
    smoothing : float
        Share of the truth, 0 .. 1, that all wrong classes get together; see `smooth`.
    seed : int
        Seed of the random changes.
    threads : int
        Threads that decode and prepare, at least 1.
    ahead : int
        Batches that are prepared beyond the one in use; bounds the memory.

    Yields
    ------
    Batch
        In the order of `keys`.

    Raises
    ------
    DataError
        A sample cannot be read; raised in place of the batch that holds it.

    Notes
    -----
    If the consumer stops early (`close`, an exception), waiting work is cancelled and the threads
    end.
    """
    if size < 1 or threads < 1 or ahead < 1:
        raise ArgumentError(
            f"size, threads and ahead must be at least 1, not {size}, {threads}, {ahead}"
        )
    first = augmentation.mirrored_first(len(dataset), seed) if augmentation else None
    return _prefetch(
        _Preparation(dataset, shape, augmentation, letterboxed, smoothing, seed, first),
        keys,
        size,
        threads,
        ahead,
    )


@dataclass(frozen=True)
class _Preparation:
    """Prepares samples of a dataset in their places in a batch."""

    dataset: Dataset
    shape: InputShape
    augmentation: Augmentation | None
    letterboxed: bool
    smoothing: float
    seed: int
    mirrored_first: npt.NDArray[np.bool_] | None = None

    def fill(self, batch: Batch, places: Sequence[int]) -> None:
        """Prepare the samples at these places of the batch (run by a thread)."""
        shape = self.shape
        for place in places:
            epoch, index = batch.keys[place]
            image, truth = self.dataset.sample(index, shape.channels)
            if self.augmentation is None:
                image = fit(image, shape.width, shape.height, letterboxed=self.letterboxed)
            else:
                stream = random_stream("augment", self.seed, epoch, index)
                first = self.mirrored_first
                mirrored = None if first is None else bool(first[index]) ^ bool(epoch & 1)
                image = self.augmentation(image, shape.width, shape.height, stream, mirrored)
            batch.x[place] = image
            batch.truth[place] = smooth(truth, self.smoothing) if self.smoothing else truth


def smooth(truth: npt.NDArray[np.float32], share: float) -> npt.NDArray[np.float32]:
    """Take `share` from the right class and give it to the others evenly.

    Right classes (not 0) become ``1 - share``, all k - 1 others ``share / (k - 1)``.

    Source: AlexeyAB's ``fill_truth_smooth``, [net] ``label_smooth_eps``.
    """
    others = share / max(1, len(truth) - 1)
    return np.where(truth > 0, np.float32(1 - share), np.float32(others))


def _prefetch(
    preparation: _Preparation, keys: Iterable[SampleKey], size: int, threads: int, ahead: int
) -> Iterator[Batch]:
    """Prepare up to `ahead` batches at a time; yield the oldest when all its parts are done."""
    stream = iter(keys)
    shape = preparation.shape
    truth_shape = preparation.dataset.truth_shape
    pool = ThreadPoolExecutor(threads, thread_name_prefix="darkpy-data")
    waiting: deque[tuple[Batch, list[Future[None]]]] = deque()
    try:
        while True:
            while len(waiting) <= ahead:
                chosen = list(islice(stream, size))
                if not chosen:
                    break
                n = len(chosen)
                batch = Batch(
                    np.empty((n, shape.channels, shape.height, shape.width), np.float32),
                    np.empty((n, *truth_shape), np.float32),
                    chosen,
                )
                parts = [range(first, n, threads) for first in range(min(threads, n))]
                waiting.append(
                    (batch, [pool.submit(preparation.fill, batch, part) for part in parts])
                )
            if not waiting:
                return
            batch, work = waiting.popleft()
            for part in work:
                part.result()  # raises here what the thread raised
            yield batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
