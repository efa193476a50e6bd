"""The running network: predictions, training steps, weights files."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from darkpy.config.sections import Section
from darkpy.engine.boundary import FloatArray, float_array
from darkpy.errors import ArgumentError, TrainingError
from darkpy.layers.shared.cost_layer import CostLayer
from darkpy.network import weights
from darkpy.network.model import Model
from darkpy.network.plan import Plan
from darkpy.network.plans import Plans
from darkpy.network.precision import need_float32

if TYPE_CHECKING:
    from darkpy.network.optimisers.base import Optimiser
    from darkpy.network.profile import CallTime

__all__ = ["Network"]

#: `predict` divides its batch so that no layer has more values than this at a time: 16 MiB, so that
#: activations stay in the last-level cache (GoogLeNet is fastest with 4 images at a time).
MAX_PIECE_VALUES = 1 << 22
#: The most images that `predict` runs at a time.
MAX_IMAGES = 32


class Network(Model):
    """A network that can be run and trained, and reads and writes weights; made by `darkpy.load`.

    Its layers, options, shapes and counters are those of its base, `Model`.
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
        super().__init__(
            sections,
            dialect=dialect,
            seed=seed,
            strict=strict,
            memory=memory,
            precision=precision,
        )
        self._optimiser: Optimiser | None = None
        self._plans = Plans(self)
        self._lock = threading.Lock()

    def summary(self, images: int | None = None) -> str:
        """Return the layer table as text; with `images`, also the memory to train on that many.

        Raises
        ------
        ArgumentError
            `images` is below 1, or the network has nothing to train.
        """
        from darkpy.network.summary import summary

        return summary(self, images)

    # -- running ----------------------------------------------------------------------------------

    def predict(self, x: FloatArray) -> FloatArray:
        """Run the network on a batch.

        Only layers that the answer depends on are computed. Images do not influence each other.

        Parameters
        ----------
        x : ndarray of float32, shape (N, channels, height, width)
            C-contiguous; any N >= 0. Photos are RGB in 0..1. The shape is (N, inputs) if [net] has
            only `inputs`.

        Returns
        -------
        ndarray of float32, shape (N, outputs)
            The output of the last layer that is no [cost], flattened in Darknet's order.

        Raises
        ------
        StateError
            The network has several answers, as detectors do: see `outputs_of`.
        DTypeError, ShapeError
            Saying what was expected.
        """
        (out,) = self._outputs(x, [self.answer.index]).values()
        return out.reshape(len(out), self.outputs)

    def outputs_of(
        self, x: FloatArray, layers: Iterable[int] | None = None
    ) -> dict[int, FloatArray]:
        """Run the network on a batch and return the outputs of several layers.

        Only layers that these depend on are computed, fused where possible.

        Parameters
        ----------
        x : ndarray of float32, shape (N, channels, height, width)
            As for `predict`.
        layers : iterable of int, optional
            Indices of layers; default: all `answers`, such as the heads of a detector.

        Returns
        -------
        dict of int to ndarray of float32
            In the order of `layers`: (N, C, H, W) where the output is an image, else (N, n).

        Raises
        ------
        ArgumentError
            There is no such layer.
        DTypeError, ShapeError
            Saying what was expected.
        """
        if layers is None:
            wanted = [layer.index for layer in self.answers]
        else:
            wanted = [self.layer_index(index) for index in layers]
        return self._outputs(x, wanted)

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
            if not len(x):
                for layer in self.layers:
                    layer.show(np.empty(layer.output_shape.array_shape(0), np.float32))
            else:
                plan = self._plans.get(len(x), keep=True)
                plan.run(x, self.steps)
                for layer in self.layers:
                    layer.show(plan.read_output(layer.index))
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
            The truths with which the costs compare, such as one-hot classes.
        keep : bool
            Keep ``layer.output`` and ``layer.delta`` of every layer, to be looked at.
            No layers are fused then, so the numbers may differ in rounding.

        Returns
        -------
        float
            The network's cost, summed over the images and averaged over the layers that have one (a
            weighted sum if ``loss_weight`` is used).

        Raises
        ------
        TrainingError
            The cost is NaN or infinite: nothing is updated, and the message names the update, its
            learning rate, and the layer where it began.  Or the update made a weight NaN or
            infinite.  In both cases the network has to be loaded again.  Or, before anything is
            computed, there is not enough memory; the message says how many images would fit.
        """
        from darkpy.network.updating import update_parameters

        x = self._check_input(x, self.mini_batch)
        self.need_cost()
        truth = float_array("truth", truth, (self.mini_batch, self.truths))
        with self._lock:
            plan = self._plans.get(self.mini_batch, training=True, keep=keep)
            self.seen += self.mini_batch
            plan.run(x, self.steps, truth)
            self.steps += 1
            for parameter in plan.changed:
                parameter.touched()
            if keep:
                for layer in self.layers:
                    output, delta = plan.read_output(layer.index), plan.read_delta(layer.index)
                    layer.show(output, delta)
            cost = self._cost(plan)
            if not math.isfinite(cost):
                from darkpy.network.diagnosis import describe_break

                raise TrainingError(describe_break(self, plan, x, cost))
            if self.seen // self.mini_batch % self.options.subdivisions == 0:
                update_parameters(self, self.optimiser, self.learning_rate_of(self.update_count))
            return cost

    def profile(
        self, x: FloatArray, truth: FloatArray | None = None, *, repeat: int = 5
    ) -> list[CallTime]:
        """Time every call of a prediction, or of a training step without its update.

        With a `truth`, the network's rolling statistics and update buffers change.

        Parameters
        ----------
        x : ndarray of float32, shape (N, channels, height, width)
        truth : ndarray of float32, shape (N, truths), optional
            If given, the forward and backward passes of training are timed; any N.
        repeat : int
            Number of runs; the shortest time of each call counts.

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
            self.need_cost()
            truth = float_array("truth", truth, (len(x), self.truths))
        wanted = tuple(la.index for la in self.answers) if truth is None else ()
        with self._lock:
            plan = self._plans.get(len(x), training=truth is not None, wanted=wanted)
            return profile(plan, x, truth, repeat=repeat, step=self.steps)

    def prepare_training(self) -> None:
        """Allocate the memory of `train_step` now.

        Raises
        ------
        TrainingError
            There is not enough memory; the message says how many images would fit.
        """
        with self._lock:
            self._plans.get(self.mini_batch, training=True)

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
            Read only this many layers, from the first on (files such as ``darknet53.conv.74``).
        clear : bool
            Start counting `seen` at 0.

        Raises
        ------
        WeightsError
            The file is too short or too long, or holds NaN; the message names the layer and the
            numbers of values.
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
            Write only this many layers, from the first on.
        version : tuple of int, optional
            Major, minor and revision; default: those of the file that was loaded, else the
            dialect's.

        Raises
        ------
        WeightsError
            The file cannot be written, or a weight is NaN or infinite; an older file of that name
            stays.
        """
        need_float32(self.precision, self.path, "saved")
        with self._lock:
            weights.save_weights(self, path, layers, version)

    def save_momentum(self, path: str | os.PathLike[str]) -> None:
        """Write the state with which training continues as if it had not stopped.

        That is the update buffers (with Adam: the moments) and the number of steps, in the format
        of `darkpy.network.optimiser_state`. The file is written as a whole or not at all.

        Raises
        ------
        WeightsError
            The file cannot be written; an older file of that name stays.
        """
        from darkpy.network.optimiser_state import save_state

        need_float32(self.precision, self.path, "saved")
        with self._lock:
            save_state(self, self.optimiser, path)

    def load_momentum(self, path: str | os.PathLike[str]) -> None:
        """Read the file that `save_momentum` wrote together with the loaded weights.

        Raises
        ------
        WeightsError
            No such file, of other weights or another optimiser, short, long or not finite.
        """
        from darkpy.network.optimiser_state import load_state

        need_float32(self.precision, self.path, "trained")
        with self._lock:
            load_state(self, self.optimiser, path)

    @property
    def optimiser(self) -> Optimiser:
        """The rule by which weights are updated, as [net] names it."""
        if self._optimiser is None:
            from darkpy.network.optimisers import optimiser_of

            self._optimiser = optimiser_of(self.options)
        return self._optimiser

    # -- inside -----------------------------------------------------------------------------------

    def _check_input(self, x: object, batch: int | None = None) -> FloatArray:
        return float_array("x", x, (batch, *self.input_shape.array_shape(1)[1:]))

    def _outputs(self, x: object, wanted: Sequence[int]) -> dict[int, FloatArray]:
        """Return the outputs of some layers, computed for a part of the batch at a time."""
        x = self._check_input(x)
        shapes = {index: self.layers[index].output_shape for index in wanted}
        out = {i: np.empty(shape.array_shape(len(x)), np.float32) for i, shape in shapes.items()}
        if not out:
            return out
        with self._lock:
            chunk = self._chunk(len(x))
            for start in range(0, len(x), chunk):
                part = x[start : start + chunk]
                plan = self._plans.get(len(part), wanted=tuple(sorted(shapes)))
                plan.run(part, self.steps)
                for index, array in out.items():
                    plan.read_output(index, array[start : start + chunk])
        return out

    def _chunk(self, count: int) -> int:
        """Return how many of `count` images to run at a time: the most that fit, in equal parts."""
        largest = max(layer.output_shape.size for layer in self.layers)
        most = max(1, min(MAX_IMAGES, MAX_PIECE_VALUES // largest))
        parts = -(-count // most)
        return -(-count // max(1, parts)) or 1

    def _cost(self, plan: Plan) -> float:
        layers = [layer for layer in self.layers if isinstance(layer, CostLayer)]
        costs = {index: math.fsum(array) for index, array in plan.costs.items()}
        if any(layer.loss_weight is not None for layer in layers):
            pairs = ((layer.loss_weight, costs.get(layer.index, 0.0)) for layer in layers)
            return math.fsum(cost if weight is None else weight * cost for weight, cost in pairs)
        return math.fsum(costs.values()) / len(layers)
