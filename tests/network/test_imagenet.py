"""GoogLeNet and SqueezeNet with their real weights on 100 labelled photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import darkpy


def photos(folder: Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The photos as their README prepares them (Pillow, 256 x 256, centre crop) and classes."""
    rows = [line.split("\t") for line in (folder / "labels.txt").read_text().splitlines()]
    start = (256 - size) // 2
    x = np.empty((len(rows), 3, size, size), np.float32)
    for image, row in zip(x, rows, strict=True):
        with Image.open(folder / row[0]) as file:
            small = file.convert("RGB").resize((256, 256), Image.Resampling.BILINEAR)
        pixels = np.asarray(small)[start : start + size, start : start + size]
        image[...] = pixels.transpose(2, 0, 1) / np.float32(255)
    return x, np.array([int(row[1]) for row in rows])


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
