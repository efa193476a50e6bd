"""Layers made of filters ([convolutional], [connected]), applied by the convolution engine.

A connected layer is a convolution whose kernel covers its whole input. The same packing brings the
columns of its weights into the engine's order, and the activations never move.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from darkpy.engine.algorithms import algorithm_number, chosen_bf16
from darkpy.engine.aligned import aligned, neighbours
from darkpy.engine.boundary import FloatArray
from darkpy.engine.packing import Bf16Packing, FilterPacking
from darkpy.engine.program import Again, Repeat, Tensor
from darkpy.errors import ArgumentError
from darkpy.layers.base import Layer
from darkpy.layers.parameter import Parameter
from darkpy.layers.recorder import Recorder
from darkpy.layers.shape import MAX_LAYER_VALUES
from darkpy.layers.shared.activation_functions import activation_code
from darkpy.layers.shared.batchnorm_or_bias import BatchnormOrBiasLayer

__all__ = ["FilterLayer", "place_forms"]

LINEAR = activation_code("linear")


class FilterLayer(BatchnormOrBiasLayer):
    """A layer of filters, then batch normalisation or bias, then an activation.

    Attributes
    ----------
    geometry : dict
        The fields of ``struct dk_conv_shape``.
    """

    geometry: dict[str, int]
    _algorithm: str = "auto"
    #: The bf16 algorithm that "auto" selects; None if it selects a float32 one (by the batch, too).
    _bf16: str | None = None

    @property
    def algorithm(self) -> str:
        """The algorithm of the convolution; "auto" lets the engine choose.

        Assign one of `darkpy.engine.algorithms.ALGORITHMS` to force it, for tests and teaching.
        """
        return self._algorithm

    @algorithm.setter
    def algorithm(self, name: str) -> None:
        algorithm_number(name)  # raises an error if there is no such algorithm
        if name.endswith("bf16") and name != self._bf16:
            raise ArgumentError(
                f"{self.label}: algorithm {name!r} cannot do {self.describe()} as it was loaded, "
                f"with precision {self.context.precision!r}"
            )
        if not self.packing.can(name):
            raise ArgumentError(f"{self.label}: algorithm {name!r} cannot do {self.describe()}")
        self._algorithm = name

    def chosen_algorithm(self, batch: int = 1) -> str:
        """The algorithm of the forward pass of `batch` images."""
        if self.is_bf16:
            return str(self._bf16)
        if self.algorithm != "auto":
            return self.algorithm
        shape = self.output_shape
        return self.packing.algorithm(batch, shape.height, shape.width)

    @property
    def is_bf16(self) -> bool:
        """Whether weights and inputs are rounded to bf16 before they are multiplied."""
        return self._bf16 is not None and self.algorithm in ("auto", self._bf16)

    def check_weights(self, count: int) -> None:
        """Raise an error for more weights than memory can hold, before C computes sizes."""
        if count > MAX_LAYER_VALUES:
            raise self.error(f"{count:,} weights are more than memory can hold")

    def add_weights(self, shape: tuple[int, ...]) -> None:
        """Register the weights with Darknet's `shape`."""
        if self.context.precision == "bf16":
            out = self.output_shape
            self._bf16 = chosen_bf16(self.geometry, (out.height, out.width))
        packing = Bf16Packing if self._bf16 == "indirect-bf16" else FilterPacking
        self.packing = packing(self.geometry)
        self.add_parameter(
            Parameter("weights", shape, self.initial_weights, packing=self.packing, decays=True)
        )
        #: Algorithm -> (version of the weights from which the form was made, the form).
        self._winograd: dict[str, tuple[int, FloatArray]] = {}

    def initial_weights(self) -> FloatArray:
        """Return new random weights in Darknet's shape."""
        raise NotImplementedError  # pragma: no cover - both layers have their own

    @property
    def is_linear(self) -> bool:
        """Whether there is no activation."""
        return bool(self.values.activation == "linear")

    def winograd(self, algorithm: str) -> FloatArray | None:
        """The weights in the form of a Winograd algorithm, for inference; None for all others.

        `refresh` keeps them up to date. Training transforms the weights inside each call instead,
        since they change with every update.
        """
        if not algorithm.startswith("winograd"):
            return None
        if algorithm not in self._winograd:
            self._winograd[algorithm] = -1, aligned(self.packing.winograd_size(algorithm))
        return self._winograd[algorithm][1]

    def refresh(self, training: bool) -> None:
        """Update the derived forms of the weights, too, if these changed."""
        super().refresh(training)
        if training:
            return
        weights = self.parameters["weights"]
        for algorithm, (version, form) in self._winograd.items():
            if version != weights.version:
                self.packing.transform(algorithm, weights.storage, form)
                self._winograd[algorithm] = weights.version, form

    # -- passes -----------------------------------------------------------------------------------

    def _filter(self, recorder: Recorder, x: Tensor, y: Tensor, **fields: Any) -> None:
        algorithm = str(self._bf16) if self.is_bf16 else self.algorithm
        given: dict[str, Any] = {
            "shape": self.geometry,
            "weights": self.parameters["weights"].storage,
            "algorithm": algorithm_number(algorithm),
        }
        recorder.add(
            self,
            "dk_convolution_forward",
            writes=("y",),
            again=Again(Repeat.FILTERS) if self._is_cheap else None,
            streams=("winograd", "weights"),
            x=recorder.rounded(self, x) if algorithm == "indirect-bf16" else x,
            y=y,
            **(given | fields),
        )

    @property
    def _is_cheap(self) -> bool:
        """Whether the layer needs few multiplications for each output value."""
        g = self.geometry
        sizes = (g["size_h"], g["size_w"], g["groups"])
        return sizes == (1, 1, 1) and g["channels"] < g["filters"]

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record filters, normalisation or bias, and activation."""
        x = inputs[0]
        if not recorder.training:
            fields: dict[str, Any] = {
                "scale": self.factor,
                "shift": self.shift,
                "activation": self.activation,
                "winograd": self.winograd(self.chosen_algorithm(recorder.batch)),
            }
            if folded := recorder.fusions.folded.get(self.index):
                fields |= folded.fields()
            fields |= self.sum_fields(recorder)
            self._filter(recorder, x, output, **fields)
            return None
        if self.normalizes:
            raw = recorder.temporary(self.output_shape)
            self._filter(recorder, x, raw, activation=LINEAR)
            return self.record_batchnorm(recorder, raw, output)
        biases = self.parameters["biases"].storage
        if not self.keeps_input:
            self._filter(recorder, x, output, shift=biases, activation=self.activation)
            return output
        raw = recorder.temporary(self.output_shape)
        self._filter(recorder, x, raw, shift=biases, activation=LINEAR)
        recorder.activate(self, raw, output, self.activation)
        return raw

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record activation and normalisation backward, then the gradients of weights and input."""
        dy = delta
        if self.normalizes:
            if recorder.keep:
                dy = recorder.temporary(self.output_shape)
            self.record_batchnorm_backward(recorder, saved, output, delta, dy)
        elif not recorder.fusions.is_pooled(self.index):
            if recorder.keep:
                dy = recorder.copy_of(self, delta)
            self.record_bias_backward(recorder, saved, dy)
        recorder.add(
            self,
            "dk_convolution_backward_weights",
            writes=("updates",),
            shape=self.geometry,
            x=inputs[0],
            dy=dy,
            updates=self.parameters["weights"].updates,
            algorithm=algorithm_number(self.algorithm),
        )
        if target := recorder.input_delta(self, 0):
            dx, accumulate = target
            recorder.add(
                self,
                "dk_convolution_backward_data",
                writes=("dx",),
                shape=self.geometry,
                dy=dy,
                dx=dx,
                weights=self.parameters["weights"].storage,
                accumulate=accumulate,
                algorithm=algorithm_number(self.algorithm),
            )


def place_forms(layers: Iterable[Layer], batch: int) -> None:
    """Allocate the Winograd forms that inference of `batch` images needs in one block."""
    new = []
    for layer in layers:
        if isinstance(layer, FilterLayer):
            algorithm = layer.chosen_algorithm(batch)
            if algorithm.startswith("winograd") and algorithm not in layer._winograd:
                new.append((layer, algorithm))
    sizes = [layer.packing.winograd_size(algorithm) for layer, algorithm in new]
    for (layer, algorithm), form in zip(new, neighbours(sizes), strict=True):
        layer._winograd[algorithm] = -1, form
