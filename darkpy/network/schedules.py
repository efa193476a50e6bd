"""The learning rate of each update: Darknet's policies (`get_current_rate`).

t is the number of the update, 1 for the first one; rate is [net] ``learning_rate``. While
t < burn_in the rate is ``rate * (t / burn_in)**power``, whatever the policy. After that:

========  ==================================================================================
constant  rate
step      rate * scale**(t // step)
steps     rate * product of the leading ``scales`` whose ``steps`` are <= t
exp       rate * gamma**t
poly      rate * (1 - t / max_batches)**power, and 0 past max_batches
random    rate * u**power, u drawn evenly from [0, 1) at each call
sigmoid   rate / (1 + exp(gamma * (t - step)))
sgdr      low + (rate - low) / 2 * (1 + cos(pi * (t - start) / cycle)), low = learning_rate_min
========  ==================================================================================

In sgdr (Loshchilov and Hutter, 2017) `start` begins at 0 and `cycle` at sgdr_cycle. While
start + cycle < t, start moves on by one cycle, and cycle is multiplied by sgdr_mult.
Two policies differ from Darknet's code, which computes poly past its end with a negative base, and,
in one fork, sigmoid before `step` with an unsigned difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from darkpy.config.net_options import NetOptions
from darkpy.errors import ArgumentError, TrainingError

__all__ = ["SCHEDULES", "learning_rate_at", "schedule"]

Rate = Callable[[NetOptions, int, np.random.Generator | None], float]

#: Name of a policy in [net] -> the function that returns the rate of update t.
SCHEDULES: dict[str, Rate] = {}

# The update kernels use float32.
_LARGEST = float(np.finfo(np.float32).max)


def schedule(name: str) -> Callable[[Rate], Rate]:
    """Decorate the function of the policy `name`."""

    def add(rate: Rate) -> Rate:
        SCHEDULES[name] = rate
        return rate

    return add


def learning_rate_at(net: NetOptions, update: int, rng: np.random.Generator | None = None) -> float:
    """Return the learning rate of one update.

    Parameters
    ----------
    net : NetOptions
        The policy and its numbers.
    update : int
        t >= 0; the first update of a training is 1.
    rng : numpy Generator, optional
        Only the policy "random" needs it; it draws one number per call.

    Raises
    ------
    ArgumentError
        `update` is negative, or `rng` is missing.
    TrainingError
        The rate does not fit float32.
    """
    if update < 0:
        raise ArgumentError(f"update must be >= 0, got {update}")
    try:
        rate = _rate(net, update, rng)
    except OverflowError:
        rate = math.inf
    if not abs(rate) <= _LARGEST:  # true for NaN, too
        raise TrainingError(
            f"{net.section.path}: policy={net.policy} gives no finite learning rate "
            f"at update {update}"
        )
    return rate


def _rate(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    """Evaluate burn_in or the policy; a power that overflows raises OverflowError."""
    if t < net.burn_in:
        return float(net.learning_rate) * float((t / net.burn_in) ** net.power)
    return SCHEDULES[net.policy](net, t, rng)


@schedule("constant")
def _constant(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    return float(net.learning_rate)


@schedule("step")
def _step(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    return float(net.learning_rate) * float(net.scale ** (t // net.step))


@schedule("steps")
def _steps(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    """Multiply the scales of the leading steps, up to the first step that lies ahead."""
    rate = float(net.learning_rate)
    for step, scale in zip(net.steps, net.scales, strict=True):
        if step > t:
            break
        rate *= scale
    return rate


@schedule("exp")
def _exp(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    return float(net.learning_rate) * float(net.gamma**t)


@schedule("poly")
def _poly(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    return float(net.learning_rate) * float(max(0.0, 1 - t / net.max_batches) ** net.power)


@schedule("random")
def _random(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    if rng is None:
        raise ArgumentError("policy=random needs a random generator, rng")
    return float(net.learning_rate) * float(rng.random() ** net.power)


@schedule("sigmoid")
def _sigmoid(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    exponent = net.gamma * (t - net.step)
    # exp overflows beyond 709; the rate is 0 to rounding long before.
    return float(net.learning_rate) / (1 + math.exp(exponent)) if exponent < 700 else 0.0


@schedule("sgdr")
def _sgdr(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    """Half a cosine per cycle."""
    start, cycle, growth = 0, int(net.sgdr_cycle), int(net.sgdr_mult)
    if growth == 1 and t > 0:
        start = (t - 1) // cycle * cycle  # equal cycles: no loop is needed
    while start + cycle < t:
        start += cycle
        cycle *= growth
    rate, low = float(net.learning_rate), float(net.learning_rate_min)
    return low + 0.5 * (rate - low) * (1 + math.cos(math.pi * (t - start) / cycle))
