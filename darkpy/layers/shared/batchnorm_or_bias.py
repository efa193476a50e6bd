"""Batch normalisation, bias and activation, as layers with parameters share them.

Training records x -> normalise -> scale, bias -> activation; inference folds all of it into one
factor and one shift per channel: y = act(acc * factor + shift).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from darkpy.engine.boundary import FloatArray, lib
from darkpy.engine.program import Again, Repeat, Tensor
from darkpy.layers.base import Layer
from darkpy.layers.parameter import Parameter
from darkpy.layers.recorder import Recorder
from darkpy.layers.shared.activation_functions import needs_input

__all__ = ["BatchnormOrBiasLayer"]


#: Repeated as a call that applies the statistics of this batch and does not change them.
_APPLIED = Again(
    Repeat.PASS,
    function="dk_batchnorm_apply",
    renamed={"mean": "rolling_mean", "variance": "rolling_variance"},
)


class BatchnormOrBiasLayer(Layer):
    """A layer that ends in batch normalisation or a bias, and an activation.

    Attributes
    ----------
    channels : int
        Number of biases.
    normalizes : bool
        Whether batch normalisation is on.
    activation : int
        The C core's number.
    """

    channels: int
    normalizes: bool
    activation: int
    #: Weight of a new batch in the rolling statistics.
    rolling: float

    def add_bias(self) -> None:
        """Register the biases."""
        self.add_parameter(Parameter("biases", (self.channels,), self._zeros, is_bias=True))

    def add_batchnorm(self) -> None:
        """Register scales and rolling statistics."""
        n = (self.channels,)
        self.add_parameter(Parameter("scales", n, lambda: np.ones(n, np.float32)))
        self.add_parameter(Parameter("rolling_mean", n, self._zeros, trainable=False))
        self.add_parameter(Parameter("rolling_variance", n, self._zeros, trainable=False))

    def _zeros(self) -> FloatArray:
        return np.zeros(self.channels, np.float32)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._factor: FloatArray | None = None
        self._shift: FloatArray | None = None
        self._folded: tuple[int, ...] = ()
        super().__init__(*args, **kwargs)

    # -- inference --------------------------------------------------------------------------------

    @property
    def factor(self) -> FloatArray | None:
        """In inference, the factor of each channel; None if all are 1."""
        if not self.normalizes:
            return None
        if self._factor is None:
            self._factor = np.empty(self.channels, np.float32)
        return self._factor

    @property
    def shift(self) -> FloatArray:
        """In inference, the number that is added to each channel."""
        if not self.normalizes:
            return self.parameters["biases"].storage
        if self._shift is None:
            self._shift = np.empty(self.channels, np.float32)
        return self._shift

    def refresh(self, training: bool) -> None:
        """Update `factor` and `shift` if the parameters of batch normalisation changed."""
        if training or not self.normalizes:
            return
        p = self.parameters
        names = ("biases", "scales", "rolling_mean", "rolling_variance")
        versions = tuple(p[name].version for name in names)
        if versions == self._folded:
            return
        biases, scales, mean, variance = (p[name].storage.astype(np.float64) for name in names)
        epsilon = self.dialect.bn_epsilon
        # A negative variance in a file counts as 0; in Darknet its square root is NaN.
        variance = np.maximum(variance, 0)
        if self.dialect.bn_epsilon_inside:
            deviation = np.sqrt(variance + epsilon)
        else:
            deviation = np.sqrt(variance) + epsilon
        factor, shift = self.factor, self.shift
        assert factor is not None
        factor[...] = scales / deviation
        shift[...] = biases - mean * scales / deviation
        self._folded = tuple(p[name].version for name in names)

    # -- training ---------------------------------------------------------------------------------

    def epsilon_fields(self) -> dict[str, Any]:
        """Return the struct fields of the dialect's batch normalisation."""
        return {
            "epsilon": self.dialect.bn_epsilon,
            "epsilon_inside": int(self.dialect.bn_epsilon_inside),
            "biased": 0,
            "activation": self.activation,
        }

    def parameter_fields(self) -> dict[str, Any]:
        """Return the struct fields of the four parameters."""
        names = ("scales", "biases", "rolling_mean", "rolling_variance")
        return {name: self.parameters[name].storage for name in names}

    def sum_fields(self, recorder: Recorder) -> dict[str, Any]:
        """Return the struct fields of the sum that the layer computes for a [shortcut], if any."""
        fused = recorder.fusions.sums.get(self.index)
        if fused is None:
            return {}
        return {"residual": recorder.output(fused.source), "activation": fused.activation}

    def record_batchnorm(self, recorder: Recorder, x: Tensor, output: Tensor) -> dict[str, Any]:
        """Record the training forward of batch normalisation from `x` to `output`."""
        p = self.parameters
        saved: dict[str, Any] = {
            "x": x,
            "mean": recorder.buffer(self.channels),
            "variance": recorder.buffer(self.channels),
        }
        sum_fields = self.sum_fields(recorder)
        recorder.add(
            self,
            "dk_batchnorm_forward",
            writes=("y", "mean", "variance", "rolling_mean", "rolling_variance"),
            again=_APPLIED._replace(repeat=Repeat.SUM) if sum_fields else _APPLIED,
            y=output,
            rolling=self.rolling,
            **self.parameter_fields(),
            **saved,
            **(self.epsilon_fields() | sum_fields),
        )
        recorder.changes(p["rolling_mean"], p["rolling_variance"])
        return saved

    def record_batchnorm_backward(
        self,
        recorder: Recorder,
        saved: dict[str, Any],
        output: Tensor,
        delta: Tensor,
        dx: Tensor,
        accumulate: int = 0,
    ) -> None:
        """Record the backward of activation and batch normalisation, from `delta` to `dx`."""
        p = self.parameters
        # The output is passed only if it is read: a call keeps its tensors alive.
        reads: dict[str, Any] = {"y": output} if self._gradient_reads_output else {}
        recorder.add(
            self,
            "dk_batchnorm_backward",
            writes=("dx", "scale_updates", "bias_updates"),
            delta=delta,
            dx=dx,
            scales=p["scales"].storage,
            biases=p["biases"].storage,
            scale_updates=p["scales"].updates,
            bias_updates=p["biases"].updates,
            exact=0,
            accumulate=accumulate,
            **reads,
            **saved,
            **self.epsilon_fields(),
        )

    @property
    def _gradient_reads_output(self) -> bool:
        """Whether the backward reads y; otherwise it takes the activation's derivative from x."""
        cheap = (lib.DK_LINEAR, lib.DK_RELU, lib.DK_LEAKY, lib.DK_REVLEAKY)
        return not self.keeps_input and self.activation not in cheap

    def record_bias_backward(self, recorder: Recorder, saved: Tensor, delta: Tensor) -> None:
        """Record ``delta *= act'``, computed from `saved`, and the updates of the biases."""
        recorder.add(
            self,
            "dk_bias_backward",
            writes=("delta", "bias_updates"),
            saved=saved,
            delta=delta,
            bias_updates=self.parameters["biases"].updates,
            activation=self.activation,
        )

    @property
    def keeps_input(self) -> bool:
        """Whether the activation's derivative reads its input."""
        return needs_input(self.activation)
