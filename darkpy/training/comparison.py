"""Comparison of a network's answers with a reference: the same network in float32."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from darkpy.training.interface import Predictor

__all__ = ["Comparison"]


class Comparison:
    """Runs a network and a reference on the same images, and compares their outputs.

    Parameters
    ----------
    net, reference : Network
        Their inputs have the same size, and so have their outputs.

    Attributes
    ----------
    count : int
        Images so far.
    same : int
        Images for which both have the same largest output.
    difference : float
        Largest difference of an output, relative to the largest magnitude among the reference's
        outputs in the same call.
    """

    def __init__(self, net: Predictor, reference: Predictor) -> None:
        self._net = net
        self._reference = reference
        self.count = 0
        self.same = 0
        self.difference = 0.0

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self._net.channels

    @property
    def height(self) -> int:
        """Rows of the input, pixels."""
        return self._net.height

    @property
    def width(self) -> int:
        """Columns of the input, pixels."""
        return self._net.width

    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run both on a batch (N, C, H, W); return the answer of `net`, (N, outputs)."""
        ours, theirs = self._net.predict(x), self._reference.predict(x)
        self.add(ours, theirs)
        return ours

    def add(self, ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> None:
        """Count outputs (N, outputs) of both for the same images."""
        if len(ours):
            self.count += len(ours)
            self.same += int(np.sum(ours.argmax(axis=1) == theirs.argmax(axis=1)))
            scale = max(float(np.abs(theirs).max()), float(np.finfo(np.float32).tiny))
            self.difference = max(self.difference, float(np.abs(ours - theirs).max()) / scale)

    def __str__(self) -> str:
        """Return the result as a part of a sentence."""
        return (
            f"outputs differ by at most {self.difference:.1e} of the largest one; "
            f"the same best class for {self.same:,} of {self.count:,} images"
        )
