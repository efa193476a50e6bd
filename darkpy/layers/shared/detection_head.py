"""Detection heads: the logistic function on some of a map's channels; inference only so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.engine.program import Tensor
from darkpy.errors import ConfigError
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.shared.activation_functions import activation_code

__all__ = ["LINEAR", "LOGISTIC", "DetectionHead"]

LINEAR = activation_code("linear")
LOGISTIC = activation_code("logistic")


class DetectionHead(Layer):
    """A head that applies the logistic function to some channels."""

    is_head = True
    #: The C core's activation of each channel.
    kinds: np.ndarray[Any, np.dtype[np.uint8]]

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the logistic channels."""
        recorder.add(
            self,
            "dk_channel_activate",
            writes=("y",),
            x=inputs[0],
            y=output,
            kinds=self.kinds,
        )

    def refuse_training(self) -> ConfigError:
        """Return the error that a training plan raises."""
        return self.error("cannot be trained by this version of darkpy, only run")

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Raise an error: the losses of detectors do not exist yet."""
        raise self.refuse_training()
