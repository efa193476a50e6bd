"""[crop] draws a place and a side at each step of training, and takes the middle otherwise."""

from __future__ import annotations

import numpy as np

from darkpy.config.sections import parse_cfg
from darkpy.network.network import Network

TEXT = """
[net]
batch=1
height=6
width=5
channels=1
[crop]
crop_height=4
crop_width=3
flip=1
noadjust=1
[connected]
output=2
[softmax]
"""
#: Each pixel says where it is.
PLACES = np.arange(30, dtype=np.float32).reshape(1, 1, 6, 5)


def test_every_place_and_side_comes_up_in_training() -> None:
    net = Network(parse_cfg(TEXT), seed=1)
    seen = set()
    for _ in range(200):
        net.train_step(PLACES, np.eye(2, dtype=np.float32)[:1], keep=True)
        part = net.layers[0].output[0, 0]
        top, left = divmod(int(part.min()), 5)
        mirrored = bool(part[0, 0] > part[0, -1])
        expected = PLACES[0, 0, top : top + 4, left : left + 3]
        np.testing.assert_array_equal(part, expected[:, ::-1] if mirrored else expected)
        seen.add((top, left, mirrored))
    assert len(seen) == 3 * 3 * 2


def test_predictions_see_the_middle() -> None:
    part, *_ = Network(parse_cfg(TEXT), seed=1).activations(PLACES)
    np.testing.assert_array_equal(part, PLACES[:, :, 1:5, 1:4])
