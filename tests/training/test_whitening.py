"""First filters that whiten: uncorrelated values of equal size, whatever the photos."""

from __future__ import annotations

import numpy as np
import pytest

from darkpy.config.sections import parse_cfg
from darkpy.data import ArrayDataset
from darkpy.errors import ArgumentError
from darkpy.network.network import Network
from darkpy.training.trainer import train
from darkpy.training.whitening import whiten

CFG = """
[net]
batch=10
height=12
width=11
channels=3
learning_rate=0.1
[convolutional]
filters={filters}
size=2
{more}
activation=linear
learning_rate=0
[avgpool]
[connected]
output=4
activation=linear
[softmax]
"""


def network(filters: int = 24, more: str = "") -> Network:
    return Network(parse_cfg(CFG.format(filters=filters, more=more), "white.cfg"))


@pytest.fixture
def photos(rng: np.random.Generator) -> ArrayDataset:
    """Smooth, bright photos: neighbours and channels are alike."""
    x = rng.normal(size=(300, 3, 12, 11))
    x[:, 1] += x[:, 0]
    x = x + np.roll(x, 1, 3) + np.roll(x, 1, 2)
    x = 0.6 + 0.1 * x
    return ArrayDataset(x.astype(np.float32), np.arange(300) % 4, list("abcd"))


def test_what_the_filters_give_is_uncorrelated_and_of_equal_size(photos) -> None:
    net = network()
    whiten(net, photos)
    out = net.activations(photos.images)[0]
    values = out.transpose(1, 0, 2, 3).reshape(24, -1)
    np.testing.assert_allclose(values[1::2], -values[::2], atol=1e-5)
    np.testing.assert_allclose(values.mean(axis=1), 0, atol=1e-4)
    covariance = np.cov(values[::2])
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-3
    # 1, less what the constant beside the variance takes of the weakest axes
    assert 0.5 < np.diag(covariance).min() <= np.diag(covariance).max() < 1 + 1e-5


def test_few_filters_are_the_strongest_axes(photos) -> None:
    few, all_ = network(4), network(24)
    whiten(few, photos)
    whiten(all_, photos)
    np.testing.assert_array_equal(few.layers[0].weights, all_.layers[0].weights[:4])


def test_a_frozen_whitening_layer_stays(photos, tmp_path) -> None:
    net, expected = network(), network()
    whiten(expected, photos, seed=2)
    train(net, photos, epochs=1, seed=2, out=tmp_path, progress=False, whitened=True)
    np.testing.assert_array_equal(net.layers[0].weights, expected.layers[0].weights)
    assert np.any(net.layers[2].biases)


@pytest.mark.parametrize(
    ("filters", "more", "message"),
    [
        (24, "batch_normalize=1", "only a first .convolutional. layer without batch_normalize"),
        (24, "groups=3", "only a first"),
        (25, "", "25 filters cannot whiten patches of 12 values: an even number up to 24"),
        (26, "", "26 filters cannot"),
    ],
)
def test_other_first_layers_are_refused(photos, filters, more, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        whiten(network(filters, more), photos)


def test_weights_and_whitening_exclude_each_other(photos, tmp_path) -> None:
    with pytest.raises(ArgumentError, match="leave out the weights"):
        train("x.cfg", photos, weights="x.weights", out=tmp_path, whitened=True)
