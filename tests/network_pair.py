"""A network and its float64 reference, side by side: same cfg, same parameters, same data."""

from __future__ import annotations

import warnings

import numpy as np
from references.network import ReferenceNetwork

from darkpy.config.sections import parse_cfg
from darkpy.engine.layout import from_nchw, to_nchw
from darkpy.engine.program import Program, Tensor
from darkpy.layers.recorder import Recorder
from darkpy.network.frozen import last_stopped
from darkpy.network.network import Network

__all__ = ["Pair", "close"]


def close(
    got: np.ndarray,
    expected: np.ndarray,
    what: str,
    tolerance: float = 2e-4,
    floor: float = 1e-3,
) -> None:
    """Compare two arrays: differences up to `tolerance` of the largest value, or of `floor`."""
    expected = np.asarray(expected, np.float64).reshape(got.shape)
    scale = max(float(np.abs(expected).max(initial=0)), floor)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale, err_msg=what)


class _NoOutputs:
    """For a layer that is recorded on its own."""

    def output(self, index: int) -> Tensor:
        raise AssertionError(f"there is no layer {index}")

    def lies_in_output(self, index: int, k: int) -> bool:
        return False


class Pair:
    """Both networks with the same parameters; the reference drops and crops as the engine did."""

    def __init__(
        self, text: str, dialect: str = "pjreddie", seed: int = 0, precision: str = "fp32"
    ) -> None:
        self.rng = np.random.default_rng(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.net = Network(parse_cfg(text), dialect=dialect, seed=seed, precision=precision)
        self.ref = ReferenceNetwork(
            text, dialect, dropout_keep=self._kept, crop_place=self._crop_place
        )
        for layer, reference in zip(self.net.layers, self.ref.layers, strict=True):
            assert list(layer.parameters) == reference.file_order() or not reference.file_order()
            for name, parameter in layer.parameters.items():
                value = self._start(name, parameter.value)
                setattr(layer, name, value)
                reference.parameters[name] = value.astype(np.float64)

    def _start(self, name: str, value: np.ndarray) -> np.ndarray:
        draw = {
            "weights": lambda: value,
            "biases": lambda: self.rng.normal(0, 0.3, value.shape),
            "scales": lambda: self.rng.uniform(0.5, 1.5, value.shape),
            "rolling_mean": lambda: self.rng.normal(0, 0.3, value.shape),
            "rolling_variance": lambda: self.rng.uniform(0.3, 2, value.shape),
        }[name]
        return draw().astype(np.float32)

    # -- what the engine drew ---------------------------------------------------------------------

    def _alone(self, index: int, x: np.ndarray) -> np.ndarray:
        """What one layer makes of `x` at the step of training that was made last."""
        layer = self.net.layers[index]
        batch, program = len(x), Program()
        inputs, output = (
            shape.tensor(batch) for shape in (layer.input_shapes[0], layer.output_shape)
        )
        if layer.input_shapes[0] == layer.output_shape:
            inputs = output  # dropout works in place
        layer.forward(Recorder(program, batch, _NoOutputs(), training=True), [inputs], output)
        program.bind()
        from_nchw(program, np.ascontiguousarray(x, np.float32), inputs)
        program.run(self.net.steps - 1)
        y = np.empty(layer.output_shape.array_shape(batch), np.float32)
        to_nchw(program, output, y)
        return y

    def _kept(self, index: int, shape: tuple[int, ...], probability: float) -> np.ndarray:
        """The mask that the engine drew: what its dropout makes of ones."""
        mask = self._alone(index, np.ones(shape)).reshape(shape)
        np.testing.assert_allclose(mask[mask != 0], 1 / (1 - probability), rtol=1e-6)
        return mask != 0

    def _crop_place(
        self, index: int, rows: int, columns: int, may_flip: bool
    ) -> tuple[int, int, bool]:
        """The place that the engine drew: what its crop makes of pixels that say where they are."""
        layer = self.net.layers[index]
        shape = layer.input_shapes[0].array_shape(1)
        place = np.broadcast_to(np.arange(np.prod(shape[2:])).reshape(shape[2:]), shape)
        seen = self._alone(index, place)[0, 0]
        if not layer.values.noadjust:
            seen = (seen + 1) / 2  # the layer gives 2 x - 1
        flip = seen[0, 0] > seen[0, -1]
        top, left = divmod(int(seen[0].min()), shape[3])
        assert 0 <= top <= rows
        assert 0 <= left <= columns
        assert may_flip or not flip
        return top, left, bool(flip)

    # -- data -------------------------------------------------------------------------------------

    def photos(self, batch: int) -> np.ndarray:
        """Random input of any batch size."""
        shape = self.net.input_shape.array_shape(batch)
        return self.rng.normal(0, 1, shape).astype(np.float32)

    def truth(self) -> np.ndarray:
        """One random class per image."""
        batch, classes = self.net.mini_batch, self.net.truths
        truth = np.zeros((batch, classes), np.float32)
        truth[np.arange(batch), self.rng.integers(0, classes, batch)] = 1
        return truth

    # -- comparisons ------------------------------------------------------------------------------

    def compare_forward(self, batch: int = 2, tolerance: float = 2e-4) -> None:
        """Every layer's output in inference, and the answer."""
        x = self.photos(batch)
        expected = self.ref.forward(x)
        outputs = self.net.activations(x)
        for layer, got, want in zip(self.net.layers, outputs, expected, strict=True):
            assert got.shape == want.shape, layer.label
            close(got, want, f"output of {layer.label}", tolerance)
        answer = self.net.answer.index
        close(self.net.predict(x), expected[answer], "predict", tolerance)

    def compare_step(self, tolerance: float = 2e-4, truth: np.ndarray | None = None) -> float:
        """One training step: cost, outputs, deltas, update buffers, parameters."""
        net, ref = self.net, self.ref
        x = self.photos(net.mini_batch)
        truth = self.truth() if truth is None else truth
        cost = net.train_step(x, truth, keep=True)
        np.testing.assert_allclose(cost, ref.train_step(x, truth), tolerance, 1e-6)
        # Where sums cancel, what is left is rounding of the summands.
        floor = 1e-2 * max(float(np.abs(layer.delta).max(initial=0)) for layer in ref.layers)
        trained: list[bool] = []  # layers that have something to train, or lie behind one
        stop = last_stopped(net.layers, net.update_count)
        for layer, reference in zip(net.layers, ref.layers, strict=True):
            trained.append(
                layer.index > stop
                and (
                    any(p.trainable for p in layer.parameters.values())
                    or any(source >= 0 and trained[source] for source in layer.sources)
                )
            )
            close(layer.output, reference.output, f"output of {layer.label}", tolerance)
            if trained[-1]:
                close(layer.delta, reference.delta, f"delta of {layer.label}", tolerance, floor)
        for layer, reference in zip(net.layers, ref.layers, strict=True):
            for name, parameter in layer.parameters.items():
                what = f"{name} of {layer.label}"
                close(parameter.value, reference.parameters[name], what, tolerance)
                if parameter.trainable:
                    update = parameter.update_value()
                    close(update, reference.updates[name], f"updates of {what}", tolerance, floor)
        return cost
