"""Prefetch: order, content for any number of threads, errors, and a clean end."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

from darkpy.data import ArrayDataset, Augmentation, Dataset, InputShape, batches, in_order
from darkpy.errors import ArgumentError, DataError

SHAPE = InputShape(3, 8, 8)


def photos(rng, n=23, size=(9, 11)):
    return ArrayDataset(
        rng.integers(0, 256, (n, 3, *size), dtype=np.uint8), np.arange(n) % 4, list("abcd")
    )


class Broken(Dataset):
    def __init__(self):
        self.names = ["a"]
        self.origin = "broken"

    def __len__(self):
        return 10

    def sample(self, index, channels):
        if index == 6:
            raise DataError("six.jpg", 0, "cannot be decoded")
        return np.zeros((channels, 8, 8), np.float32), np.ones(1, np.float32)

    def describe(self, index):
        return str(index)


def data_threads():
    return [thread for thread in threading.enumerate() if "darkpy-data" in thread.name]


def test_batches_come_in_order_and_complete(rng):
    dataset = photos(rng)
    seen = list(batches(dataset, in_order(dataset), 5, SHAPE, threads=3))
    assert [len(batch.x) for batch in seen] == [5, 5, 5, 5, 3]
    assert [i for batch in seen for i in batch.indices] == list(range(23))
    labels = np.concatenate([batch.truth for batch in seen]).argmax(1)
    np.testing.assert_array_equal(labels, np.arange(23) % 4)


def test_same_bits_for_any_number_of_threads(rng):
    dataset = photos(rng)
    augmentation = Augmentation(6, 14, angle=20, aspect=0.8, saturation=1.5, exposure=1.5, hue=0.1)

    def run(threads):
        keys = [(epoch, index) for epoch in (0, 1) for index in range(23)]
        made = batches(dataset, keys, 6, SHAPE, augmentation=augmentation, seed=9, threads=threads)
        return np.concatenate([batch.x for batch in made])

    one = run(1)
    assert not np.array_equal(one[:23], one[23:])  # another epoch, other changes
    for threads in (2, 7):
        np.testing.assert_array_equal(run(threads), one)


def test_alternately_mirrored_photos_are_seen_both_ways_in_two_epochs(rng):
    dataset = photos(rng, size=(8, 8))
    augmentation = Augmentation(crops=False, alternates=True)
    keys = [(epoch, index) for epoch in range(4) for index in range(23)]

    def run(threads):
        made = batches(dataset, keys, 6, SHAPE, augmentation=augmentation, seed=9, threads=threads)
        return np.concatenate([batch.x for batch in made]).reshape(4, 23, 3, 8, 8)

    zero, one, two, three = seen = run(1)
    np.testing.assert_array_equal(zero[..., ::-1], one)
    np.testing.assert_array_equal(zero, two)
    np.testing.assert_array_equal(one, three)
    plain = np.stack([dataset.sample(index, 3)[0] for index in range(23)])
    mirrored = (zero == plain[..., ::-1]).all(axis=(1, 2, 3))
    assert 0 < mirrored.sum() < 23
    np.testing.assert_array_equal(zero[~mirrored], plain[~mirrored])
    np.testing.assert_array_equal(run(3), seen)


def test_an_error_reaches_the_consumer_at_its_batch():
    dataset = Broken()
    stream = batches(dataset, in_order(dataset), 2, InputShape(1, 8, 8), threads=2)
    assert [next(stream).indices for _ in range(3)] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(DataError, match=r"six\.jpg"):
        next(stream)
    assert data_threads() == []


def test_stopping_early_ends_the_threads(rng):
    dataset = photos(rng)
    endless = ((0, index) for index in itertools.cycle(range(23)))
    stream = batches(dataset, endless, 4, SHAPE, threads=3)
    next(stream)
    assert data_threads() != []
    stream.close()
    assert data_threads() == []


def test_work_ahead_is_bounded(rng):
    dataset = photos(rng)
    asked = itertools.count()
    keys = ((0, next(asked) % 23) for _ in itertools.repeat(None))
    stream = batches(dataset, keys, 4, SHAPE, ahead=2)
    next(stream)
    next(stream)
    stream.close()
    assert next(asked) <= 4 * 4


def test_channels_must_be_the_networks(rng):
    dataset = photos(rng)
    with pytest.raises(DataError, match="3 channels, the network takes 1 channel"):
        next(batches(dataset, in_order(dataset), 4, InputShape(1, 8, 8)))


def test_arguments_are_checked(rng):
    dataset = photos(rng)
    with pytest.raises(ArgumentError):
        batches(dataset, in_order(dataset), 0, SHAPE)


def test_smoothed_truths_sum_to_one_and_keep_the_right_class(rng):
    data = photos(rng)
    shape = InputShape(3, 9, 11)
    plain = next(batches(data, in_order(data), 5, shape))
    soft = next(batches(data, in_order(data), 5, shape, smoothing=0.2))
    np.testing.assert_array_equal(soft.x, plain.x)
    np.testing.assert_allclose(soft.truth.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(soft.truth[plain.truth == 1], np.float32(0.8))
    others = soft.truth[plain.truth == 0]
    np.testing.assert_allclose(others, 0.2 / (soft.truth.shape[1] - 1), rtol=1e-6)


class Boxes(ArrayDataset):
    """Photos whose truth is no vector of classes: two boxes of five numbers each."""

    @property
    def truth_shape(self):
        return 2, 5

    def sample(self, index, channels):
        image, _ = super().sample(index, channels)
        return image, np.full((2, 5), index, np.float32)


def test_a_dataset_delivers_truths_of_its_own_shape() -> None:
    photos = Boxes(np.zeros((3, 1, 4, 4), np.uint8), np.zeros(3, np.int64), ["a thing"])
    (batch,) = batches(photos, in_order(photos), 3, InputShape(1, 4, 4))
    assert batch.truth.shape == (3, 2, 5)
    assert batch.truth[:, 0, 0].tolist() == [0, 1, 2]
