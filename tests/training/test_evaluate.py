"""Counting right answers, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from darkpy.data import dataset_from_arrays
from darkpy.errors import DataError
from darkpy.training.evaluate import evaluate, top_classes
from darkpy.training.history import duration, percent


class Says:
    """A network that gives the answers it was made with, in order of the photos' first pixel."""

    channels, height, width = 1, 1, 1

    def __init__(self, answers):
        self.answers = np.asarray(answers, np.float32)

    def predict(self, x):
        return self.answers[np.rint(x[:, 0, 0, 0] * 255).astype(int)]


ANSWERS = [
    [0.4, 0.3, 0.2, 0.1],
    [0.1, 0.2, 0.3, 0.4],
    [0.25, 0.25, 0.25, 0.25],
    [0.0, 1.0, 0.0, 0.0],
    [0.7, 0.1, 0.1, 0.1],
]


def photos(labels):
    x = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1)
    return dataset_from_arrays(x, np.array(labels), list("abcd"))


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_counts_are_right_for_any_batch(batch):
    result = evaluate(Says(ANSWERS), photos([0, 2, 0, 1, 3]), batch=batch, k=2)
    assert result.count == 5
    assert result.top1 == 3 / 5
    assert result.top_k == 4 / 5
    logs = [math.log(p) for p in (0.4, 0.3, 0.25, 1.0, 0.1)]
    assert result.loss == pytest.approx(-sum(logs) / 5, rel=1e-6)


def test_mirrored_counts_the_mean_of_both_views():
    class SeesTheLeft:
        """Its answer is the photo's left pixel, as 0 or 1."""

        channels, height, width = 1, 1, 2

        def predict(self, x):
            left = x[:, 0, 0, 0]
            return np.stack([1 - left, left], axis=1)

    x = np.array([[255, 0], [102, 255], [0, 0]], np.uint8).reshape(3, 1, 2)
    seen = dataset_from_arrays(x, np.array([1, 1, 0]), list("ab"))
    plain, both = (evaluate(SeesTheLeft(), seen, mirrored=m) for m in (False, True))
    assert plain.top1 == 2 / 3
    assert both.top1 == 2 / 3  # the first is a draw now, and the first class stands first
    logs = [math.log(p) for p in (0.5, 0.7, 1.0)]
    assert both.loss == pytest.approx(-sum(logs) / 3, rel=1e-5)


def test_top_k_needs_more_classes_than_k():
    assert evaluate(Says(ANSWERS), photos([0, 2, 0, 1, 3]), k=5).top_k is None


def test_several_right_classes():
    truth = np.zeros((5, 4))
    truth[:, 0] = truth[:, 3] = 1
    x = np.arange(5, dtype=np.uint8).reshape(-1, 1, 1)
    assert evaluate(Says(ANSWERS), dataset_from_arrays(x, truth)).top1 == 4 / 5


def test_a_confident_mistake_has_a_finite_loss():
    assert math.isfinite(evaluate(Says(ANSWERS), photos([0, 0, 0, 0, 0])).loss)


def test_outputs_must_be_as_many_as_classes():
    with pytest.raises(DataError, match="4 classes, but the network has 3 outputs"):
        evaluate(Says(np.zeros((5, 3))), photos([0, 0, 0, 0, 0]))


def test_equal_outputs_keep_the_order_of_the_classes():
    np.testing.assert_array_equal(top_classes(np.array([0.1, 0.5, 0.5, 0.9, 0.2]), 3), [3, 1, 2])
    np.testing.assert_array_equal(top_classes(np.array([0.1, 0.5]), 9), [1, 0])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (141, "2 min 21 s"), (3840, "1 h 04 min")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_percent():
    assert percent(0.8935) == "89.3 %"
