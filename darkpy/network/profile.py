"""Profiling: every call of a network into the C core, timed."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from darkpy.engine.algorithms import PASSES, chosen_algorithm
from darkpy.engine.boundary import FloatArray
from darkpy.layers.base import Layer
from darkpy.layers.shape import INPUT
from darkpy.layers.shared.filter_layer import FilterLayer
from darkpy.network.plan import Plan

__all__ = ["CallTime", "profile"]

_PASS_OF = {f"dk_convolution_{name}": name for name in PASSES}


@dataclass(frozen=True)
class CallTime:
    """The shortest time of one call into the C core.

    Attributes
    ----------
    layer : Layer or None
        The layer that recorded the call; None for the conversion of the input.
    function : str
        The C function.
    algorithm : str
        The algorithm of a convolution, forced or chosen; empty for other calls.
    flops : int
        Floating-point operations of the whole batch, where a convolution counts as direct; 0 for
        calls that are bound by memory.
    seconds : float
        Wall time.
    """

    layer: Layer | None
    function: str
    algorithm: str
    flops: int
    seconds: float


def profile(
    plan: Plan, x: FloatArray, truth: FloatArray | None, *, repeat: int, step: int
) -> list[CallTime]:
    """Run a bound plan `repeat` times; return the shortest time of each call, in their order.

    Parameters
    ----------
    plan : Plan
    x : ndarray of float32
        The plan's input.
    truth : ndarray of float32, optional
        The truths, for a plan of training.
    repeat : int
        At least 1.
    step : int
        Number of the step, from which dropout derives its numbers.
    """
    plan.refresh()
    best: list[tuple[int, str, float]] = []
    for _ in range(repeat):
        start = perf_counter()
        plan.fill(x, truth)
        times = [(INPUT, "input", perf_counter() - start)]
        times += plan.program.profile(1, step)
        best = [min(old, new) for old, new in zip(best or times, times, strict=True)]
    for parameter in plan.changed:
        parameter.touched()
    return [_call_time(plan, *call) for call in best]


def _call_time(plan: Plan, owner: int, function: str, seconds: float) -> CallTime:
    if owner == INPUT:
        return CallTime(None, function, "", 0, seconds)
    layer, batch = plan.layers[owner], plan.batch
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
