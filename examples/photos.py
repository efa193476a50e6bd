"""Train on a folder of photos: one folder per class, then ask the network about one photo.

    python examples/photos.py [FOLDER]

Without FOLDER it first writes such a folder: 1000 photos of clothes from data/fashion-mnist.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import darkpy
from darkpy.data import open_dataset

CFG = """\
[net]
batch=20
subdivisions=1
height=28
width=28
channels=1
learning_rate=0.03
momentum=0.9
decay=0.0005
policy=poly
power=1
max_batches=400

[convolutional]
filters=24
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
filters=48
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[connected]
output={classes}
activation=linear

[softmax]
"""


def write_photos(folder: Path, count: int = 1000) -> None:
    """Write photos as FOLDER/train/CLASS/NUMBER.png and FOLDER/valid/CLASS/NUMBER.png."""
    source = open_dataset(Path(__file__).parent.parent / "data" / "fashion-mnist")
    assert source.valid is not None
    for part, dataset, wanted in (("train", source.train, count), ("valid", source.valid, 100)):
        for index in range(wanted):
            image, truth = dataset.sample(index, 1)
            home = folder / part / source.names[truth.argmax()].replace("/", " or ")
            home.mkdir(parents=True, exist_ok=True)
            pixels = (image[0] * 255).round().astype(np.uint8)
            Image.fromarray(pixels).save(home / f"{index}.png")


def main() -> None:
    """Train, print the sentence about the result, and name one photo."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else work / "photos"
        if len(sys.argv) == 1:
            write_photos(folder)
        data = open_dataset(folder)
        cfg = work / "small.cfg"
        cfg.write_text(CFG.format(classes=len(data.names)))

        history = darkpy.train(cfg, data, out=work / "backup", progress=False)
        print(history)

        net = darkpy.load(cfg, history.weights)
        photo, _ = (data.valid or data.train).sample(0, net.channels)
        if photo.shape[1:] == (net.height, net.width):  # else: darkpy predict cuts it to size
            answer = net.predict(np.ascontiguousarray(photo[None]))[0]
            for k in np.argsort(-answer)[:3]:
                print(f"{answer[k]:6.1%}  {data.names[k]}")


if __name__ == "__main__":
    main()
