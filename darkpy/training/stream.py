"""The order of the training photos: one permutation after another, without end."""

from __future__ import annotations

from collections.abc import Iterator

from darkpy.data.augment import random_stream
from darkpy.data.batches import SampleKey

__all__ = ["sample_stream"]


def sample_stream(count: int, seed: int, start: int = 0) -> Iterator[SampleKey]:
    """Yield (epoch, index) for ever: each epoch is a permutation of 0 .. count - 1.

    Batches are consecutive pieces of this stream and may span the end of an epoch, so that no photo
    is dropped and every update is full.

    Parameters
    ----------
    count : int
        Photos in the set, at least 1.
    seed : int
        The permutation of an epoch depends on the seed and on the epoch's number only.
    start : int
        Photos to skip: continued training starts where it stopped.
    """
    epoch, offset = divmod(start, count)
    while True:
        order = random_stream("shuffle", seed, epoch).permutation(count)
        for index in order[offset:].tolist():
            yield epoch, index
        epoch, offset = epoch + 1, 0
