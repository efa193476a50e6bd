"""[normalization]: local response normalisation over channels."""

from __future__ import annotations

from typing import Any

from darkpy.config.options import integer, real
from darkpy.engine.program import Tensor
from darkpy.layers.base import Layer
from darkpy.layers.recorder import Recorder
from darkpy.layers.registry import register

__all__ = ["Normalization"]


@register("normalization")
class Normalization(Layer):
    """y_k = x_k * (kappa + alpha * sum of x_j^2 over the window)^-beta.

    The window of channel k is k - (size - 1) // 2 .. k + size // 2, cut off at the first and the
    last channel (Darknet's sum leaves one channel out). The gradient is the full derivative
    (Darknet's is its diagonal). alpha is not divided by the size, as in the papers and TensorFlow;
    Caffe and PyTorch divide it.

    Source: Krizhevsky et al. 2012, section 3.3; Darknet normalization_layer.c.
    """

    options = (
        real("alpha", 1e-4, "factor on the sum of squares"),
        real("beta", 0.75, "exponent of the norm"),
        real("kappa", 1.0, "added to the sum"),
        integer("size", 5, "channels in the window", minimum=1),
    )

    def _fields(self) -> dict[str, Any]:
        return {name: self.values[name] for name in ("size", "alpha", "beta", "kappa")}

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the normalisation."""
        recorder.add(self, "dk_lrn_forward", writes=("y",), x=inputs[0], y=output, **self._fields())

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the full gradient."""
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            recorder.add(
                self,
                "dk_lrn_backward",
                writes=("dx",),
                x=inputs[0],
                delta=delta,
                dx=dx,
                accumulate=accumulate,
                **self._fields(),
            )

    def describe(self) -> str:
        """The constants."""
        o = self.values
        return f"size {o.size} alpha {o.alpha:g} beta {o.beta:g} kappa {o.kappa:g}"
