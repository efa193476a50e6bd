"""The model: a network's layers, options, shapes and counters; `Network` runs it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import numpy as np

from darkpy.config.dialects import Dialect, detect_dialect, dialect_named
from darkpy.config.net_options import NetOptions, read_net
from darkpy.config.sections import Section
from darkpy.errors import ArgumentError, StateError
from darkpy.layers.base import Layer
from darkpy.layers.registry import alexeyab_sections, options_of
from darkpy.layers.shape import Shape
from darkpy.network.building import build_layers, input_shape_of
from darkpy.network.precision import check_precision

__all__ = ["MEMORY_LEVELS", "Model"]

#: How much training keeps, see `darkpy.load`: everything; less; least.
MEMORY_LEVELS = ("high", "normal", "low")


class Model:
    """A network as its cfg describes it, with its parameters.

    Parameters
    ----------
    sections : sequence of Section
        The whole cfg.
    dialect, seed, strict, memory, precision
        See `darkpy.load`.

    Attributes
    ----------
    layers : list of Layer
        One per section after [net].
    options : NetOptions
        The [net] section.
    dialect : Dialect
        The fork's constants.
    path, name : str
        The cfg file, and its name without folder and suffix.
    seen : int
        Images of training so far, including those that the weights file counts.
    steps : int
        Mini-batches of training so far; dropout and random crops derive their numbers from it.
    file_version : tuple of int, or None
        Major, minor and revision of the weights file that was loaded.
    input_shape : Shape
        Channels, height and width of the input.
    """

    def __init__(
        self,
        sections: Sequence[Section],
        *,
        dialect: str = "auto",
        seed: int = 0,
        strict: bool = False,
        memory: str = "normal",
        precision: str = "fp32",
    ) -> None:
        if memory not in MEMORY_LEVELS:
            levels = ", ".join(MEMORY_LEVELS)
            raise ArgumentError(f"memory must be one of {levels}, got {memory!r}")
        self._memory = memory
        self._precision = check_precision(precision)
        self.path = sections[0].path
        self.name = os.path.basename(self.path).split(".")[0]
        self.seed = seed
        self.seen = 0
        self.steps = 0
        self.file_version: tuple[int, int, int] | None = None
        body = sections[1:]
        self.dialect: Dialect = dialect_named(dialect) or detect_dialect(
            body, alexeyab_sections({section.name for section in body}), options_of
        )
        self.options: NetOptions = read_net(sections[0], dialect=self.dialect, strict=strict)
        self.input_shape: Shape = input_shape_of(self.options)
        self.layers: list[Layer] = build_layers(
            sections, self.options, self.dialect, seed, strict, precision
        )

    def __repr__(self) -> str:
        """Name, size and number of layers."""
        kind = type(self).__name__
        return f"<{kind} {self.name}: {len(self.layers)} layers, input {self.input_shape}>"

    @property
    def memory(self) -> str:
        """How much training keeps; see `darkpy.load`."""
        return self._memory

    @property
    def precision(self) -> str:
        """Number format of inference, "fp32" or "bf16"; see `darkpy.load`."""
        return self._precision

    # -- input, answers, truth --------------------------------------------------------------------

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.input_shape.channels

    @property
    def height(self) -> int:
        """Height of the input in pixels."""
        return self.input_shape.height

    @property
    def width(self) -> int:
        """Width of the input in pixels."""
        return self.input_shape.width

    @property
    def answers(self) -> tuple[Layer, ...]:
        """The layers whose outputs are the network's answers, in order.

        The last layer that can be one (a [cost] cannot), and every detection head.
        """
        last = next(layer for layer in reversed(self.layers) if layer.is_answer)
        return tuple(layer for layer in self.layers if layer.is_head or layer is last)

    @property
    def answer(self) -> Layer:
        """The layer whose output `predict` returns.

        Raises
        ------
        StateError
            The network has several answers.
        """
        answers = self.answers
        if len(answers) > 1:
            names = ", ".join(layer.label for layer in answers)
            raise StateError(
                f"{self.path}: the network has {len(answers)} answers ({names}), not one: "
                "net.outputs_of(x) returns them by layer"
            )
        return answers[0]

    def layer_index(self, index: object) -> int:
        """Return `index` as an int, or raise ArgumentError unless it is that of a layer."""
        count = len(self.layers)
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            if 0 <= index < count:
                return int(index)
        raise ArgumentError(f"there is no layer {index!r}: their numbers are 0 to {count - 1}")

    @property
    def outputs(self) -> int:
        """Values that `predict` returns per image."""
        return self.answer.output_shape.size

    @property
    def truth_shape(self) -> Shape | None:
        """Shape of the truth of one image; None if no layer has a cost."""
        return next((shape for la in reversed(self.layers) if (shape := la.truth_shape)), None)

    @property
    def truths(self) -> int:
        """Truth values per image in `train_step`; 0 if no layer has a cost."""
        shape = self.truth_shape
        return 0 if shape is None else shape.size

    def need_cost(self) -> None:
        """Raise StateError unless a layer has a cost, without which there is nothing to train."""
        if not self.truths:
            raise StateError(f"{self.path}: the network has no layer with a cost to train")

    # -- training ---------------------------------------------------------------------------------

    @property
    def mini_batch(self) -> int:
        """Images per `train_step`: batch / subdivisions of the cfg."""
        return self.options.mini_batch

    @property
    def update_batch(self) -> int:
        """Images per update of the weights."""
        return self.options.update_batch

    @property
    def update_count(self) -> int:
        """Updates made so far, as Darknet counts them: seen / images per update."""
        return self.seen // self.update_batch

    @property
    def updates(self) -> int:
        """The former name of `update_count`."""
        warnings.warn("updates is called update_count now", DeprecationWarning, stacklevel=2)
        return self.update_count

    @property
    def learning_rate(self) -> float:
        """The rate of the next update."""
        return self.learning_rate_of(self.update_count + 1)

    def learning_rate_of(self, update: int) -> float:
        """The rate of an update, 1 for the first."""
        from darkpy.network.schedules import learning_rate_at

        rng = np.random.Generator(np.random.Philox(key=[self.seed, 1 << 32], counter=update))
        return learning_rate_at(self.options, update, rng)

    @property
    def last_stopped(self) -> int:
        """The last layer that gets no gradient in the coming step; -1 for none."""
        from darkpy.network.frozen import last_stopped

        return last_stopped(self.layers, (self.seen + self.mini_batch) // self.update_batch)
