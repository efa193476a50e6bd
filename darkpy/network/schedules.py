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

In sgdr (Loshchilov and Hutter, 2017) `start` and `cycle` begin as 0 and sgdr_cycle; where
start + cycle < t, start moves on by one cycle, and cycle grows by sgdr_mult.
Two places differ from Darknet's code: poly past its end (a negative base there) and, in one fork,
sigmoid before `step` (an unsigned difference there).
"""

from __future__ import annotations

import math

import numpy as np

from darkpy.config.net_options import NetOptions
from darkpy.errors import ArgumentError, TrainingError

__all__ = ["learning_rate_at"]

# The update kernels take float32.
_LARGEST = float(np.finfo(np.float32).max)


def learning_rate_at(net: NetOptions, update: int, rng: np.random.Generator | None = None) -> float:
    """Return the learning rate of one update.

    Parameters
    ----------
    net : NetOptions
        Policy and its numbers.
    update : int
        t >= 0; the first update of a training is 1.
    rng : numpy Generator, optional
        Needed by the policy "random" alone, which draws one number per call.

    Raises
    ------
    ArgumentError
        `update` is negative, or `rng` is missing.
    TrainingError
        The policy's numbers give a rate that float32 cannot hold.
    """
    if update < 0:
        raise ArgumentError(f"update must be >= 0, got {update}")
    try:
        rate = _rate(net, update, rng)
    except OverflowError:
        rate = math.inf
    if not abs(rate) <= _LARGEST:  # NaN is not, either
        raise TrainingError(
            f"{net.section.path}: policy={net.policy} gives no finite learning rate "
            f"at update {update}"
        )
    return rate


def _rate(net: NetOptions, t: int, rng: np.random.Generator | None) -> float:
    """Evaluate the table above; Python floats overflow with an exception in powers."""
    rate = float(net.learning_rate)
    if t < net.burn_in:
        return rate * float((t / net.burn_in) ** net.power)
    policy = net.policy
    if policy == "step":
        return rate * float(net.scale ** (t // net.step))
    if policy == "steps":
        return _steps(net, rate, t)
    if policy == "exp":
        return rate * float(net.gamma**t)
    if policy == "poly":
        return rate * float(max(0.0, 1 - t / net.max_batches) ** net.power)
    if policy == "random":
        if rng is None:
            raise ArgumentError("policy=random needs a random generator, rng")
        return rate * float(rng.random() ** net.power)
    if policy == "sigmoid":
        exponent = net.gamma * (t - net.step)
        # exp overflows beyond 709; the rate is 0 to rounding long before.
        return rate / (1 + math.exp(exponent)) if exponent < 700 else 0.0
    if policy == "sgdr":
        return _cosine_restarts(net, rate, t)
    return rate


def _steps(net: NetOptions, rate: float, t: int) -> float:
    """Multiply the scales of the leading steps; the first step that is ahead ends the search."""
    for step, scale in zip(net.steps, net.scales, strict=True):
        if step > t:
            break
        rate *= scale
    return rate


def _cosine_restarts(net: NetOptions, rate: float, t: int) -> float:
    """Policy sgdr: half a cosine per cycle."""
    start, cycle, growth = 0, int(net.sgdr_cycle), int(net.sgdr_mult)
    if growth == 1 and t > 0:
        start = (t - 1) // cycle * cycle  # equal cycles: no need to walk through them
    while start + cycle < t:
        start += cycle
        cycle *= growth
    low = float(net.learning_rate_min)
    return low + 0.5 * (rate - low) * (1 + math.cos(math.pi * (t - start) / cycle))
