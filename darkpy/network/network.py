"""A network: run, trained, saved."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from darkpy.config.dialects import Dialect, detect_dialect, dialect_named
from darkpy.config.net_options import NetOptions, read_net
from darkpy.config.sections import Section
from darkpy.engine.boundary import FloatArray, float_array
from darkpy.engine.layout import from_nchw, to_nchw
from darkpy.engine.program import Tensor
from darkpy.errors import ArgumentError, StateError, TrainingError
from darkpy.layers.base import Layer
from darkpy.layers.registry import alexeyab_sections, options_of
from darkpy.layers.shared.cost_layer import CostlyLayer
from darkpy.layers.shared.filter_layer import FilterLayer
from darkpy.network import weights
from darkpy.network.building import build_layers, input_shape_of
from darkpy.network.frozen import last_stopped
from darkpy.network.plan import Plan
from darkpy.network.precision import check_precision, need_float32
from darkpy.network.recompute import check_level

if TYPE_CHECKING:
    from darkpy.network.profile import CallTime

__all__ = ["Network"]

#: `predict` cuts its batch such that no layer has more values than this at once: 16 MiB, so that
#: activations stay in the last-level cache (GoogLeNet: 4 images at once are the fastest).
MAX_LAYER_VALUES = 1 << 22
#: ... and at most so many images.
MAX_IMAGES = 32
#: Plans kept for other batch sizes and purposes.
MAX_PLANS = 4


class Network:
    """A network of layers; made by `darkpy.load`.

    Attributes
    ----------
    layers : list of Layer
        One per section after [net].
    options : NetOptions
        The [net] section.
    dialect : Dialect
        The fork's constants.
    memory : str
        How much training keeps; see `load`.
    precision : str
        "fp32" or "bf16"; see `load`.
    seen : int
        Images seen in training, from the weights file on.
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
        self.memory = check_level(memory)
        self.precision = check_precision(precision)
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
        self.input_shape = input_shape_of(self.options)
        self.layers = build_layers(sections, self.options, self.dialect, seed, strict, precision)
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._lock = threading.Lock()

    # -- what it is -------------------------------------------------------------------------------

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
    def mini_batch(self) -> int:
        """Images per `train_step`: batch / subdivisions of the cfg."""
        return self.options.mini_batch

    @property
    def update_batch(self) -> int:
        """Images per update of the weights."""
        return self.mini_batch * int(self.options.subdivisions)

    @property
    def answer(self) -> Layer:
        """The layer whose output `predict` returns: the last one that is no [cost]."""
        return next(layer for layer in reversed(self.layers) if layer.is_answer)

    @property
    def outputs(self) -> int:
        """Values that `predict` returns per image."""
        return self.answer.output_shape.size

    @property
    def truths(self) -> int:
        """Truth values per image that `train_step` wants; 0 when no layer has a cost."""
        return next((la.output_shape.size for la in reversed(self.layers) if la.has_cost), 0)

    @property
    def updates(self) -> int:
        """Updates made so far, as Darknet counts them: seen / images per update."""
        return self.seen // self.update_batch

    @property
    def learning_rate(self) -> float:
        """The rate of the next update."""
        return self._rate(self.updates + 1)

    def learning_rate_of(self, update: int) -> float:
        """The rate of an update, 1 for the first."""
        return self._rate(update)

    def summary(self, images: int | None = None) -> str:
        """Return the layer table as text; with `images`, also what training so many at once takes.

        Raises
        ------
        ArgumentError
            `images` is below 1, or the network has nothing to train.
        """
        from darkpy.network.summary import summary

        return summary(self, images)

    def __repr__(self) -> str:
        """Name, size and number of layers."""
        return f"<Network {self.name}: {len(self.layers)} layers, input {self.input_shape}>"

    # -- running ----------------------------------------------------------------------------------

    def predict(self, x: FloatArray) -> FloatArray:
        """Run the network on a batch.

        Only what the answer depends on is computed. Images do not influence each other.

        Parameters
        ----------
        x : ndarray of float32, shape (N, channels, height, width)
            C-contiguous; any N >= 0. Photos are RGB in 0..1. For networks whose [net] gives
            `inputs`, (N, inputs).

        Returns
        -------
        ndarray of float32, shape (N, outputs)
            The output of the last layer that is no [cost], flattened in Darknet's order.

        Raises
        ------
        DTypeError, ShapeError
            Saying what was expected.
        """
        x = self._check_input(x)
        out = np.empty((len(x), self.outputs), np.float32)
        with self._lock:
            chunk = self._chunk(len(x))
            for start in range(0, len(x), chunk):
                part = x[start : start + chunk]
                plan = self._plan(len(part), wanted=(self.answer.index,))
                self._run(plan, part)
                to_nchw(plan.program, plan.output(self.answer.index), out[start : start + chunk])
        return out

    def activations(self, x: FloatArray) -> list[FloatArray]:
        """Return every layer's output in inference, one array per section after [net].

        Parameters
        ----------
        x : ndarray of float32, shape (N, channels, height, width)
            As for `predict`.

        Returns
        -------
        list of ndarray of float32
            Darknet's ``l.output``: (N, C, H, W) where the output is an image, else (N, n); also
            kept as ``net.layers[i].output``.
        """
        x = self._check_input(x)
        with self._lock:
            plan = self._plan(len(x), keep=True) if len(x) else None
            if plan is not None:
                self._run(plan, x)
            for layer in self.layers:
                shape = layer.output_shape.array_shape(len(x))
                layer.kept_output = np.empty(shape, np.float32)
                layer.kept_delta = None
                if plan is not None:
                    to_nchw(plan.program, plan.output(layer.index), layer.kept_output)
                layer.kept_output.flags.writeable = False
            if plan is not None:
                self._plans.clear()  # it holds every activation: do not keep it
        return [layer.output for layer in self.layers]

    def train_step(self, x: FloatArray, truth: FloatArray, keep: bool = False) -> float:
        """Train on one mini-batch, as Darknet's train_network_datum.

        Forward, cost, backward; after every `subdivisions` mini-batches the weights are updated.

        Parameters
        ----------
        x : ndarray of float32, shape (mini_batch, channels, height, width)
            Exactly batch / subdivisions images.
        truth : ndarray of float32, shape (mini_batch, truths)
            What the layers with a cost compare with, such as one-hot classes.
        keep : bool
            Keep ``layer.output`` and ``layer.delta`` of every layer for looking at.

        Returns
        -------
        float
            The network's cost, summed over the images and averaged over the layers that have one (a
            weighted sum where ``loss_weight`` is used).

        Raises
        ------
        TrainingError
            The cost is NaN or infinite: nothing is updated, and the message names the update, its
            learning rate, and the layer where it began.  Or the update made a weight NaN or
            infinite.  In both cases the network has to be loaded again.  Or (before anything is
            computed) there is not enough memory: says how many images at once would fit.
        """
        from darkpy.network.updating import describe_break, update_parameters

        x = self._check_input(x, self.mini_batch)
        if not self.truths:
            raise StateError(f"{self.path}: the network has no layer with a cost to train")
        truth = float_array("truth", truth, (self.mini_batch, self.truths))
        with self._lock:
            plan = self._plan(self.mini_batch, training=True, keep=keep)
            for tensor in plan.truths:
                from_nchw(plan.program, truth, tensor)
            self.seen += self.mini_batch
            self._run(plan, x)
            self.steps += 1
            for parameter in plan.changed:
                parameter.touched()
            if keep:
                self._keep(plan)
            cost = self._cost(plan)
            if not math.isfinite(cost):
                raise TrainingError(describe_break(self, plan.program, x, cost))
            if self.seen // self.mini_batch % self.options.subdivisions == 0:
                update_parameters(self, self._rate(self.updates))
            return cost

    def profile(
        self, x: FloatArray, truth: FloatArray | None = None, *, repeat: int = 5
    ) -> list[CallTime]:
        """Time every call of a prediction, or of a training step without its update.

        Training moves the network's rolling statistics and update buffers.

        Parameters
        ----------
        x : ndarray of float32, shape (N, channels, height, width)
        truth : ndarray of float32, shape (N, truths), optional
            Given, the forward and backward passes of training are timed; any N.
        repeat : int
            Runs; the shortest time of each call counts.

        Returns
        -------
        list of CallTime
            In the order of the calls.
        """
        from darkpy.network.profile import profile

        if repeat < 1:
            raise ArgumentError(f"repeat must be at least 1, got {repeat}")
        x = self._check_input(x)
        if not len(x):
            raise ArgumentError("x must hold at least one image")
        if truth is not None:
            truth = float_array("truth", truth, (len(x), self.truths))
        wanted = (self.answer.index,) if truth is None else ()
        with self._lock:
            plan = self._plan(len(x), training=truth is not None, wanted=wanted)
            return profile(plan, x, truth, repeat=repeat, step=self.steps)

    def prepare_training(self) -> None:
        """Take the memory of `train_step` now.

        Raises
        ------
        TrainingError
            There is not enough: says how many images at once would fit.
        """
        with self._lock:
            self._plan(self.mini_batch, training=True)

    # -- weights ----------------------------------------------------------------------------------

    def load_weights(
        self, path: str | os.PathLike[str], *, layers: int | None = None, clear: bool = False
    ) -> None:
        """Read a .weights file.

        Parameters
        ----------
        path : str or path
            Darknet's format, any version.
        layers : int, optional
            Read only the first so many layers (files named like ``darknet53.conv.74``).
        clear : bool
            Start counting `seen` at 0.

        Raises
        ------
        WeightsError
            The file is too short or too long, or holds NaN: which layer, how many values expected
            and found.
        """
        with self._lock:
            weights.load_weights(self, path, layers)
            if clear:
                self.seen = 0

    def save_weights(
        self,
        path: str | os.PathLike[str],
        *,
        layers: int | None = None,
        version: tuple[int, int, int] | None = None,
    ) -> None:
        """Write a .weights file, at once or not at all.

        Parameters
        ----------
        path : str or path
            A file of that name is replaced.
        layers : int, optional
            Write only the first so many layers.
        version : tuple of int, optional
            Major, minor and revision; default: those of the file that was loaded, else the
            dialect's.
        """
        need_float32(self.precision, self.path, "saved")
        with self._lock:
            weights.save_weights(self, path, layers, version)

    def save_momentum(self, path: str | os.PathLike[str]) -> None:
        """Write what training needs besides the weights to go on as if it had not stopped.

        Update buffers (with Adam: moments) and the number of steps; the format is in
        `darkpy.network.momentum`.
        """
        from darkpy.network.momentum import save_momentum

        need_float32(self.precision, self.path, "saved")
        with self._lock:
            save_momentum(self, path)

    def load_momentum(self, path: str | os.PathLike[str]) -> None:
        """Read what `save_momentum` wrote together with the weights that are loaded.

        Raises
        ------
        WeightsError
            No such file, of other weights or another optimiser, short, long or not finite.
        """
        from darkpy.network.momentum import load_momentum

        need_float32(self.precision, self.path, "trained")
        with self._lock:
            load_momentum(self, path)

    # -- inside -----------------------------------------------------------------------------------

    def _check_input(self, x: object, batch: int | None = None) -> FloatArray:
        return float_array("x", x, (batch, *self.input_shape.array_shape(1)[1:]))

    def _chunk(self, count: int) -> int:
        """How many of `count` images run at once: as many as the limits allow, in equal parts."""
        largest = max(layer.output_shape.size for layer in self.layers)
        most = max(1, min(MAX_IMAGES, MAX_LAYER_VALUES // largest))
        parts = -(-count // most)
        return -(-count // max(1, parts)) or 1

    def _plan(
        self,
        batch: int,
        *,
        training: bool = False,
        keep: bool = False,
        wanted: tuple[int, ...] = (),
    ) -> Plan:
        if training:
            need_float32(self.precision, self.path, "trained")
        algorithms = tuple(la.algorithm for la in self.layers if isinstance(la, FilterLayer))
        key = (batch, training, keep, wanted, algorithms)
        updates = (self.seen + self.mini_batch) // self.update_batch  # after the coming step
        stop = last_stopped(self.layers, updates) if training else -1
        plan = self._plans.pop(key, None)
        if plan is not None and plan.stop != stop:
            plan = None  # `stop` changes once or twice and does not come back: free the memory
        if plan is None:
            while len(self._plans) >= MAX_PLANS:
                del self._plans[next(iter(self._plans))]
            plan = Plan(
                self.layers,
                self.input_shape,
                batch,
                training=training,
                keep=keep,
                wanted=wanted,
                stop=stop,
                memory=self.memory,
            )
            if training:
                from darkpy.network.memory import require

                require(self, plan)
            plan.program.bind()
        self._plans[key] = plan
        return plan

    def _run(self, plan: Plan, x: FloatArray) -> None:
        plan.refresh()
        from_nchw(plan.program, x, plan.input)
        plan.program.run(self.steps)

    def _keep(self, plan: Plan) -> None:
        for layer in self.layers:
            shape = layer.output_shape.array_shape(plan.batch)

            def taken(tensor: Tensor | None, shape: tuple[int, ...] = shape) -> FloatArray:
                array = np.zeros(shape, np.float32)
                if tensor is not None:
                    to_nchw(plan.program, tensor, array)
                array.flags.writeable = False
                return array

            layer.kept_output = taken(plan.output(layer.index))
            layer.kept_delta = taken(plan.delta(layer.index))

    def _cost(self, plan: Plan) -> float:
        layers = [layer for layer in self.layers if isinstance(layer, CostlyLayer)]
        costs = {index: math.fsum(array) for index, array in plan.costs.items()}
        if any(layer.loss_weight is not None for layer in layers):
            pairs = ((layer.loss_weight, costs.get(layer.index, 0.0)) for layer in layers)
            return math.fsum(cost if weight is None else weight * cost for weight, cost in pairs)
        return math.fsum(costs.values()) / len(layers)

    def _rate(self, update: int) -> float:
        from darkpy.training.schedules import learning_rate_at

        rng = np.random.Generator(np.random.Philox(key=[self.seed, 1 << 32], counter=update))
        return learning_rate_at(self.options, update, rng)
