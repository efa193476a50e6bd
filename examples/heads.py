"""Read every head of a network that has several, as YOLO detectors do.

python examples/heads.py [CFG [WEIGHTS]]
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import darkpy

CFG = """\
[net]
height=32
width=32
channels=3

[convolutional]
filters=8
size=3
stride=2
pad=1
activation=leaky

[convolutional]
filters=14
size=1
stride=1
activation=linear

[yolo]
mask=0,1
anchors=4,4, 8,8, 12,12, 16,16
num=4
classes=2

[route]
layers=0

[maxpool]
size=2
stride=2

[convolutional]
filters=14
size=1
stride=1
activation=linear

[yolo]
mask=2,3
anchors=4,4, 8,8, 12,12, 16,16
num=4
classes=2
"""


def main() -> None:
    """Run a network and print what each of its heads says."""
    with TemporaryDirectory() as folder:
        cfg = Path(folder) / "two-heads.cfg"
        cfg.write_text(CFG)
        net = darkpy.load(*(sys.argv[1:3] or [cfg]))
    x = np.random.default_rng(0).random((1, net.channels, net.height, net.width), np.float32)
    for index, output in net.outputs_of(x).items():
        head = net.layers[index]
        _, channels, rows, columns = output.shape
        anchors = len(head.values.mask or ()) or head.values.num
        boxes = output.reshape(anchors, channels // anchors, rows, columns)
        best = np.unravel_index(boxes[:, 4].argmax(), (anchors, rows, columns))
        print(
            f"layer {index} [{head.kind}]: {anchors} boxes in each of {columns} x {rows} cells; "
            f"the most certain one is box {best[0]} of column {best[2]}, row {best[1]}, "
            f"objectness {boxes[:, 4].max():.3f}"
        )


if __name__ == "__main__":
    main()
