"""GoogLeNet and SqueezeNet with their real weights on 100 labelled photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from imagenet_photos import photos

import darkpy


@pytest.mark.parametrize(
    ("name", "probabilities", "size", "top1", "top5"),
    [
        ("googlenet", "googlenet_probs", 224, 78, 96),
        ("squeezenet-1.1", "squeezenet_probs", 227, 68, 87),
    ],
)
def test_real_weights_on_real_photos(
    shared: Path, name: str, probabilities: str, size: int, top1: int, top5: int
) -> None:
    folder = shared / "data" / "imagenet-nets"
    net = darkpy.load(folder / f"{name}.cfg", folder / f"{name}.weights")
    x, labels = photos(shared / "data" / "imagenet-photos", size)
    out = net.predict(x)
    expected = np.load(folder / f"{probabilities}.npz")
    np.testing.assert_array_equal(labels, expected["labels"])
    np.testing.assert_allclose(out, expected["probs"], rtol=0, atol=1e-4)
    order = np.argsort(-out, axis=1, kind="stable")
    assert np.sum(order[:, 0] == labels) == top1
    assert np.sum(order[:, :5] == labels[:, None]) == top5
