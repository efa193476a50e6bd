"""The contract of a layer: options, shapes, parameters, and its forward and backward passes.

`forward` and `backward` record calls into a recorder, whose program owns all memory of a run; the
same layer can therefore serve many plans, one per batch size and purpose. A layer owns its
parameters, and copies of its last output and delta if a run was to keep them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from darkpy.config.dialects import Dialect
from darkpy.config.net_options import NetOptions
from darkpy.config.options import Option, Options, flag, integer, real
from darkpy.engine.boundary import FloatArray
from darkpy.engine.enums import CHANNEL_ACTIVATIONS
from darkpy.engine.program import Tensor
from darkpy.errors import ConfigError, StateError
from darkpy.layers.parameter import Parameter
from darkpy.layers.recorder import Recorder
from darkpy.layers.shape import INPUT, MAX_LAYER_VALUES, Shape, ViewOf

__all__ = ["COMMON_OPTIONS", "Layer", "LayerContext"]

#: Options of every section.
COMMON_OPTIONS: tuple[Option, ...] = (
    real("learning_rate", 1.0, "factor on the network's learning rate for this layer", minimum=0),
    real(
        "bias_learning_rate",
        1.0,
        "factor on the layer's learning rate for its biases",
        minimum=0,
        dialect="darkpy",
    ),
    integer(
        "stopbackward",
        0,
        "other than 0: this layer and all before it get no gradient (momentum and weight decay "
        "still act on them, as in Darknet); alexeyab: 1 freezes all layers before for good, a "
        "value above 1 does so until that many updates are done",
    ),
    flag("onlyforward", False, "read for compatibility; Darknet's CPU code does not use it"),
    flag("dontload", False, "the weights file holds nothing for this layer"),
    flag("dontloadscales", False, "the weights file holds no scales, means and variances for it"),
    flag("dontsave", False, "nothing is written for this layer", dialect="pjreddie"),
    integer("numload", 0, "number of filters to read from the weights file; 0: all", minimum=0),
    flag("smooth", False, "read for compatibility; used by Darknet's GPU code only"),
    flag("truth", False, "read for compatibility; used by Darknet's GPU code only"),
    real("clip", 0.0, "read for compatibility; used by Darknet's GPU code only"),
    integer("dont_update", 0, "read for compatibility; GPU only", dialect="alexeyab"),
    integer("burnin_update", 0, "read for compatibility; GPU only", dialect="alexeyab"),
    integer("train_only_bn", 0, "read for compatibility; GPU only", dialect="alexeyab"),
)


class LayerContext(NamedTuple):
    """The arguments from which a layer is made."""

    options: Options
    position: int
    net: NetOptions
    dialect: Dialect
    input_shape: Shape
    layers: Sequence[Layer]
    seed: int
    precision: str = "fp32"

    def shape_of(self, index: int) -> Shape:
        """Output shape of an earlier layer, or of the network's input for INPUT."""
        return self.input_shape if index == INPUT else self.layers[index].output_shape


def _parameter(name: str) -> property:
    """Return the property that reads and assigns a parameter."""

    def get(self: Layer) -> FloatArray:
        return self.parameter(name).value

    def assign(self: Layer, array: FloatArray) -> None:
        self.parameter(name).assign(array, f"{self.label} {name}")

    text = f"The layer's {name} as a read-only array; assigning an array copies it."
    return property(get, assign, doc=text)


class Layer:
    """Base of all layers; a subclass handles one section type.

    Subclasses set `sections` and `options`, fill `output_shape` and `parameters` in `configure`,
    and record their passes in `forward` and `backward`.

    Attributes
    ----------
    index : int
        Position in the network, from 0.
    kind : str
        The section's full name, such as ``convolutional``.
    sources : tuple of int
        Indices of the layers it reads; INPUT is the network's input.
    input_shapes, output_shape : Shape
        Sizes for one image.
    parameters : dict of str to Parameter
        In the order of the weights file.
    """

    #: Section names, the full one first.
    sections: ClassVar[tuple[str, ...]] = ()
    #: The section's own options; those of COMMON_OPTIONS are added.
    options: ClassVar[tuple[Option, ...]] = ()
    #: Whether only AlexeyAB's fork has this section.
    is_alexeyab: ClassVar[bool] = False
    #: Whether the layer adds to the network's cost.
    has_cost: bool = False
    #: Whether the layer's output can be the network's answer (that of a [cost] cannot).
    is_answer: ClassVar[bool] = True
    #: Whether it is an answer of the network at any position, as every detection head is.
    is_head: ClassVar[bool] = False

    def __init__(self, context: LayerContext) -> None:
        self.context = context
        self.values = context.options
        self.index = context.position
        self.kind = self.sections[0]
        self.dialect = context.dialect
        self.sources = self.find_sources()
        self.input_shapes = tuple(context.shape_of(source) for source in self.sources)
        self.parameters: dict[str, Parameter] = {}
        self.output_shape = self.input_shapes[0]
        self.configure()
        self._check_size()
        self._output: FloatArray | None = None
        self._delta: FloatArray | None = None

    # -- to be written by layers ------------------------------------------------------------------

    def find_sources(self) -> tuple[int, ...]:
        """Return the indices of the layers that it reads; by default the previous one."""
        return (self.index - 1,)

    def configure(self) -> None:
        """Check the options against the input's shape; set `output_shape` and `parameters`."""

    def view(self, training: bool) -> ViewOf | None:
        """The range of an earlier layer's output that this output equals, if it needs no memory."""
        return None

    @property
    def joined(self) -> Sequence[tuple[int, int]]:
        """If the output joins the sources: the range (first, count) of channels of each."""
        return ()

    @property
    def sum_activation(self) -> int | None:
        """If the output is act(first source + second source): the activation's number."""
        return None

    @property
    def selects(self) -> bool:
        """Whether every output value is one of the input's values, as with maxima."""
        return False

    def forward(self, recorder: Recorder, inputs: list[Tensor], output: Tensor) -> Any:
        """Record the forward pass; `backward` receives its result as `saved`."""
        raise NotImplementedError  # pragma: no cover - every layer without `view` has its own

    def backward(
        self, recorder: Recorder, saved: Any, inputs: list[Tensor], output: Tensor, delta: Tensor
    ) -> None:
        """Record the backward pass.

        `delta` holds minus the gradient of the loss with respect to `output`; it may be overwritten
        unless ``recorder.keep``. If ``recorder.input_delta(self, k)`` is not None, the layer writes
        the delta of its k-th source there.
        """
        raise NotImplementedError  # pragma: no cover - likewise

    def refresh(self, training: bool) -> None:
        """Update arrays that are derived from parameters which changed; called before each run."""

    def check_network(self, layers: list[Layer]) -> None:
        """Check the layer within the complete network; raise or warn."""

    @property
    def mixes_channels(self) -> bool:
        """Whether the layer's activation is one of `CHANNEL_ACTIVATIONS`."""
        name = self.values.activation if "activation" in self.values else None
        return name in CHANNEL_ACTIVATIONS

    @property
    def truth_shape(self) -> Shape | None:
        """Shape of the truth of one image, with which the cost compares; None without a cost."""
        return None

    def multiply_adds(self) -> int:
        """Multiply-adds of the forward pass of one image (0 if they are negligible)."""
        return 0

    def describe(self) -> str:
        """Return the text that `summary` prints between the name and the sizes."""
        return ""

    # -- for users --------------------------------------------------------------------------------

    weights = _parameter("weights")
    biases = _parameter("biases")
    scales = _parameter("scales")
    rolling_mean = _parameter("rolling_mean")
    rolling_variance = _parameter("rolling_variance")

    @property
    def output(self) -> FloatArray:
        """Output of the last `activations` or ``train_step(keep=True)``: (N, C, H, W) or (N, n)."""
        return self._kept(self._output, "output")

    @property
    def delta(self) -> FloatArray:
        """Minus the gradient of the loss for `output`, of the last ``train_step(keep=True)``."""
        return self._kept(self._delta, "delta")

    def show(self, output: FloatArray, delta: FloatArray | None = None) -> None:
        """Store the arrays that `output` and `delta` return, and make them read-only."""
        for array in (output, delta):
            if array is not None:
                array.flags.writeable = False
        self._output, self._delta = output, delta

    def _kept(self, array: FloatArray | None, what: str) -> FloatArray:
        if array is None:
            runs = "train_step(x, truth, keep=True)"
            if what == "output":
                runs = f"activations(x) or {runs}"
            raise StateError(
                f"layer {self.index} [{self.kind}] has no {what} yet: it is there after {runs}"
            )
        return array

    # -- helpers for layers -----------------------------------------------------------------------

    def parameter(self, name: str) -> Parameter:
        """Return one of the layer's parameters, or raise StateError."""
        if name not in self.parameters:
            raise StateError(f"{self.label} has no {name}")
        return self.parameters[name]

    @property
    def label(self) -> str:
        """The layer's name in messages: ``layer 3 [maxpool]``."""
        return f"layer {self.index} [{self.kind}]"

    def error(self, message: str) -> ConfigError:
        """Return an error about the whole section, ready to raise."""
        return self.values.section.error(message)

    def generator(self) -> np.random.Generator:
        """The layer's own random stream for initial weights."""
        return np.random.Generator(np.random.Philox(key=[self.context.seed, self.index]))

    def add_parameter(self, parameter: Parameter) -> None:
        """Register `parameter`; the order of calls is the order of the weights file."""
        if parameter.count > MAX_LAYER_VALUES:
            raise self.error(f"{parameter.count:,} {parameter.name} are more than memory can hold")
        self.parameters[parameter.name] = parameter

    def earlier(self, key: str, value: int) -> int:
        """Index of the layer that `value` of option `key` names: negative values count back.

        Raises
        ------
        OptionValueError
            The layer does not exist, or does not come before this one.
        """
        absolute = self.index + value if value < 0 else value
        if absolute < 0:
            raise self.values.error(key, f"there are only {self.index} layers before this one")
        if absolute >= self.index:
            raise self.values.error(
                key, f"layer {absolute} does not come before this one, layer {self.index}"
            )
        return absolute

    def need_image(self) -> Shape:
        """Return the input's shape; raise an error if the input is a vector instead of an image."""
        shape = self.input_shapes[0]
        if not shape.is_image and shape.height * shape.width > 1:
            raise self.error(f"needs an image, layer {self.sources[0]} gives a vector")
        return shape

    def _check_size(self) -> None:
        shape = self.output_shape
        if self.mixes_channels and not shape.is_image and shape.height * shape.width > 1:
            raise self.values.error(
                "activation", "needs an image, not the vector that stands for one"
            )
        if min(shape.channels, shape.height, shape.width) < 1:
            raise self.error(
                f"its output would be {shape}: the input is only {self.input_shapes[0]}"
            )
        if shape.size > MAX_LAYER_VALUES:
            raise self.error(f"its output of {shape} values is more than memory can hold")
