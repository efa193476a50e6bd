"""Where a network's time goes: every call into the C core, timed."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from darkpy.engine.algorithms import PASSES, chosen_algorithm
from darkpy.engine.boundary import FloatArray, float_array
from darkpy.engine.layout import from_nchw
from darkpy.errors import ArgumentError
from darkpy.layers.base import Layer
from darkpy.layers.shape import INPUT
from darkpy.layers.shared.filter_layer import FilterLayer

if TYPE_CHECKING:
    from darkpy.network.network import Network

__all__ = ["CallTime", "profile"]

_PASS_OF = {f"dk_convolution_{name}": name for name in PASSES}


@dataclass(frozen=True)
class CallTime:
    """The shortest time of one call into the C core.

    Attributes
    ----------
    layer : Layer or None
        On whose behalf; None for the conversion of the input.
    function : str
        The C function.
    algorithm : str
        Of a convolution, forced or chosen; else empty.
    flops : int
        Floating-point operations of the whole batch, a convolution counted as direct; 0 where
        only memory matters.
    seconds : float
        Wall time.
    """

    layer: Layer | None
    function: str
    algorithm: str
    flops: int
    seconds: float


def profile(
    network: Network, x: FloatArray, truth: FloatArray | None = None, *, repeat: int = 5
) -> list[CallTime]:
    """Time every call of a prediction, or of a training step without its update.

    Parameters
    ----------
    network : Network
        In training its rolling statistics and update buffers move.
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
    if repeat < 1:
        raise ArgumentError(f"repeat must be at least 1, got {repeat}")
    x = float_array("x", x, (None, *network.input_shape.array_shape(1)[1:]))
    if not len(x):
        raise ArgumentError("x must hold at least one image")
    training = truth is not None
    with network._lock:
        wanted = () if training else (network.answer.index,)
        plan = network._plan(len(x), training=training, wanted=wanted)
        plan.refresh()
        best: list[tuple[int, str, float]] = []
        for _ in range(repeat):
            start = perf_counter()
            from_nchw(plan.program, x, plan.input)
            times = [(INPUT, "input", perf_counter() - start)]
            if truth is not None:
                truth = float_array("truth", truth, (len(x), network.truths))
                for tensor in plan.truths:
                    from_nchw(plan.program, truth, tensor)
            times += plan.program.profile(1, network.steps)
            best = [min(old, new) for old, new in zip(best or times, times, strict=True)]
        for parameter in plan.changed:
            parameter.touched()
    return [_call_time(network, len(x), *call) for call in best]


def _call_time(network: Network, batch: int, owner: int, function: str, seconds: float) -> CallTime:
    if owner == INPUT:
        return CallTime(None, function, "", 0, seconds)
    layer = network.layers[owner]
    if function not in _PASS_OF or not isinstance(layer, FilterLayer):
        return CallTime(layer, function, "", 0, seconds)
    algorithm = layer.algorithm
    if layer.is_bf16:
        algorithm = layer.chosen_algorithm(batch)
    elif algorithm == "auto":
        shape = layer.output_shape
        algorithm = chosen_algorithm(
            layer.geometry, batch, (shape.height, shape.width), _PASS_OF[function]
        )
    return CallTime(layer, function, algorithm, 2 * batch * layer.multiply_adds(), seconds)
