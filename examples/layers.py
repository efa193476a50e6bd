"""Look inside a network: what each layer gives, and what a training step sends back to it.

python examples/layers.py
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import darkpy

CFG = """\
[net]
batch=2
height=6
width=6
channels=3
learning_rate=0.1

[convolutional]
filters=4
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[connected]
output=3
activation=linear

[softmax]
"""


def main() -> None:
    """Print the shapes, one output and one delta, and check two of them by hand."""
    with TemporaryDirectory() as folder:
        cfg = Path(folder) / "tiny.cfg"
        cfg.write_text(CFG)
        net = darkpy.load(cfg, seed=1)
    print(net.summary())

    rng = np.random.default_rng(0)
    x = rng.random((2, 3, 6, 6), np.float32)
    outputs = net.activations(x)  # Darknet's l.output of every layer, (N, C, H, W) or (N, n)
    for layer, output in zip(net.layers, outputs, strict=True):
        print(f"{layer.index} [{layer.kind}] output {output.shape}, mean {output.mean():.4f}")

    truth = np.eye(3, dtype=np.float32)[[0, 2]]
    cost = net.train_step(x, truth, keep=True)  # keeps every layer's output and delta
    print(f"cost of both images: {cost:.4f}")
    softmax = net.layers[-1]
    print("probabilities\n", softmax.output)
    print("delta: truth - probabilities, minus the gradient of the cost\n", softmax.delta)
    np.testing.assert_allclose(softmax.delta, truth - softmax.output, atol=1e-6)

    pool = net.layers[1]
    windows = net.layers[0].output.reshape(2, 4, 3, 2, 3, 2)
    np.testing.assert_array_equal(pool.output, windows.max(axis=(3, 5)))
    print("the delta of the first filters' output, image 0, channel 0:")
    print("one value in each window of the pool, where its maximum was")
    print(net.layers[0].delta[0, 0].round(4))


if __name__ == "__main__":
    main()
