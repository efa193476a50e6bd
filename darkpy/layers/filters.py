"""What convolutional and connected layers share: filters applied by the convolution engine.

A connected layer is a convolution whose kernel covers its whole input, so its weights' columns are
put into the engine's order by the same packing, and the activations never move.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from darkpy.errors import ArgumentError
from darkpy.kernels.algorithms import ALGORITHMS, chosen_bf16
from darkpy.kernels.boundary import FloatArray
from darkpy.kernels.memory import aligned, neighbours
from darkpy.kernels.packing import Bf16Packing, FilterPacking
from darkpy.kernels.program import Tensor
from darkpy.layers.activations import activation_code
from darkpy.layers.base import MAX_VALUES, Layer
from darkpy.layers.composition import Composition
from darkpy.layers.normalizing import NormalizingLayer
from darkpy.layers.parameter import Parameter

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["FilterLayer", "place_forms"]

LINEAR = activation_code("linear")


class FilterLayer(NormalizingLayer):
    """A layer of filters, then batch normalisation or bias, then an activation.

    Attributes
    ----------
    geometry : dict
        The fields of ``struct dk_conv_shape``.
    """

    geometry: dict[str, int]
    _algorithm: str = "auto"
    #: The algorithm in bf16 that "auto" stands for; None: one in float32, by the batch.
    _bf16: str | None = None

    @property
    def algorithm(self) -> str:
        """How the convolution is computed; "auto" lets the engine choose by shape.

        Assign one of `darkpy.kernels.algorithms.ALGORITHMS` to force it, for tests and teaching.
        """
        return self._algorithm

    @algorithm.setter
    def algorithm(self, name: str) -> None:
        if name not in ALGORITHMS:
            raise ArgumentError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {name!r}")
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
        """Refuse more weights than memory can hold, before C computes sizes."""
        if count > MAX_VALUES:
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
        #: Algorithm -> (weights.version when it was made, the form).
        self._winograd: dict[str, tuple[int, FloatArray]] = {}
        self._composition: Composition | None = None

    def initial_weights(self) -> FloatArray:
        """Return new random weights in Darknet's shape."""
        raise NotImplementedError  # pragma: no cover - both layers have their own

    @property
    def is_linear(self) -> bool:
        """Whether there is no activation."""
        return bool(self.values.activation == "linear")

    def winograd(self, algorithm: str) -> FloatArray | None:
        """The weights as `algorithm` reads them in inference; made anew by `refresh`.

        None when it is none of Winograd's. Training transforms them inside each call instead: they
        change with every update.
        """
        if not algorithm.startswith("winograd"):
            return None
        if algorithm not in self._winograd:
            self._winograd[algorithm] = -1, aligned(self.packing.winograd_size(algorithm))
        return self._winograd[algorithm][1]

    def composition(self, first: FilterLayer) -> Composition:
        """These filters joined with those of the linear layer before; made anew by `refresh`."""
        if self._composition is None:
            self._composition = Composition(first, self)
        return self._composition

    def refresh(self, training: bool) -> None:
        """Also make the derived forms of the weights anew when they changed."""
        super().refresh(training)
        if training:
            return
        weights = self.parameters["weights"]
        for algorithm, (version, form) in self._winograd.items():
            if version != weights.version:
                self.packing.transform(algorithm, weights.storage, form)
                self._winograd[algorithm] = weights.version, form
        if self._composition is not None:
            self._composition.refresh()

    # -- passes -----------------------------------------------------------------------------------

    def _filter(self, plan: Plan, x: Tensor, y: Tensor, **fields: Any) -> None:
        algorithm = str(self._bf16) if self.is_bf16 else self.algorithm
        given: dict[str, Any] = {
            "shape": self.geometry,
            "weights": self.parameters["weights"].storage,
            "algorithm": ALGORITHMS.index(algorithm),
        }
        plan.add(
            self,
            "dk_convolution_forward",
            "dk_convolution",
            workspace="dk_convolution_forward_workspace",
            x=plan.rounded(self, x) if algorithm == "indirect-bf16" else x,
            y=y,
            **(given | fields),
        )

    def forward(self, plan: Plan, inputs: list[Tensor], output: Tensor) -> Any:
        """Record filters, normalisation or bias, and activation."""
        x = inputs[0]
        if not plan.training:
            fields: dict[str, Any] = {
                "scale": self.factor,
                "shift": self.shift,
                "activation": self.activation,
                "winograd": self.winograd(self.chosen_algorithm(plan.batch)),
            }
            if residual := plan.residual(self):
                fields |= zip(("residual", "activation"), residual, strict=True)
            if joined := plan.composition(self):
                fields |= {
                    "shape": joined.geometry,
                    "weights": joined.weights,
                    "shift": joined.shift,
                }
            self._filter(plan, x, output, **fields)
            return None
        if self.normalizes:
            raw = plan.temporary(self.output_shape)
            self._filter(plan, x, raw, activation=LINEAR)
            return self.record_normalization(plan, raw, output, plan.residual(self))
        biases = self.parameters["biases"].storage
        if not self.keeps_input:
            self._filter(plan, x, output, shift=biases, activation=self.activation)
            return output
        raw = plan.temporary(self.output_shape)
        self._filter(plan, x, raw, shift=biases, activation=LINEAR)
        plan.add(self, "dk_activate", "dk_activate", x=raw, y=output, kind=self.activation)
        return raw

    def backward(
        self, plan: Plan, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record activation and normalisation backward, then the gradients of weights and input."""
        dy = delta
        if self.normalizes:
            if plan.keep:
                dy = plan.temporary(self.output_shape)
            self.record_normalization_backward(plan, saved, output, delta, dy)
        elif not plan.is_pooled(self):
            if plan.keep:
                dy = plan.copy_of(self, delta)
            self.record_bias_backward(plan, saved, dy)
        plan.add(
            self,
            "dk_convolution_backward_weights",
            "dk_convolution_backward_weights",
            workspace="dk_convolution_backward_weights_workspace",
            shape=self.geometry,
            x=inputs[0],
            dy=dy,
            updates=self.parameters["weights"].updates,
            algorithm=ALGORITHMS.index(self.algorithm),
        )
        if target := plan.input_delta(self, 0):
            dx, accumulate = target
            plan.add(
                self,
                "dk_convolution_backward_data",
                "dk_convolution_backward_data",
                workspace="dk_convolution_backward_data_workspace",
                shape=self.geometry,
                dy=dy,
                dx=dx,
                weights=self.parameters["weights"].storage,
                accumulate=accumulate,
                algorithm=ALGORITHMS.index(self.algorithm),
            )


def place_forms(layers: Iterable[Layer], batch: int) -> None:
    """Give neighbouring places to Winograd's forms that inference of `batch` images will want."""
    new = []
    for layer in layers:
        if isinstance(layer, FilterLayer):
            algorithm = layer.chosen_algorithm(batch)
            if algorithm.startswith("winograd") and algorithm not in layer._winograd:
                new.append((layer, algorithm))
    sizes = [layer.packing.winograd_size(algorithm) for layer, algorithm in new]
    for (layer, algorithm), form in zip(new, neighbours(sizes), strict=True):
        layer._winograd[algorithm] = -1, form
