"""Darknet's learning-rate policies and its two update rules."""

from __future__ import annotations

import math

import numpy as np


def learning_rate(options, t: int, dialect: str = "pjreddie", rng=None) -> float:
    """The rate of update t (1 for the first). options: the strings of the [net] section."""

    def number(key, default):
        return float(options.get(key, default))

    base, power = number("learning_rate", 0.001), number("power", 4)
    policy = options.get("policy", "constant")
    if t < int(number("burn_in", 0)):
        return base * (t / number("burn_in", 0)) ** power
    if policy == "step":
        return base * number("scale", 1) ** (t // int(number("step", 1)))
    if policy == "steps":
        rate = base
        steps = [int(s) for s in options["steps"].split(",")]
        scales = [float(s) for s in options["scales"].split(",")]
        for step, scale in zip(steps, scales, strict=True):
            if step > t:
                break
            rate *= scale
        return rate
    if policy == "exp":
        return base * number("gamma", 1) ** t
    if policy == "poly":
        return base * (1 - t / number("max_batches", 0)) ** power
    if policy == "random":
        return base * rng.random() ** power
    if policy == "sigmoid":
        return base / (1 + math.exp(number("gamma", 1) * (t - number("step", 1))))
    if policy == "sgdr":
        lowest = number("learning_rate_min", 1e-5)
        start, cycle = 0.0, number("sgdr_cycle", options.get("max_batches", 0))
        while start + cycle < t:
            start, cycle = start + cycle, cycle * number("sgdr_mult", 2)
        return lowest + 0.5 * (base - lowest) * (1 + math.cos(math.pi * (t - start) / cycle))
    return base


def sgd_update(parameter, update, rate, batch, momentum, decay=0.0):
    """(parameter, update): heavy ball on sums; decay enters the buffer. update is a delta sum."""
    update = update - decay * batch * parameter
    return parameter + rate / batch * update, momentum * update


def adam_update(parameter, update, mean, variance, rate, batch, decay, t, b1, b2, eps):
    """(parameter, mean, variance): Darknet's Adam, on sums that are not divided by the batch."""
    gradient = update - decay * batch * parameter
    mean = b1 * mean + (1 - b1) * gradient
    variance = b2 * variance + (1 - b2) * gradient**2
    step = (mean / (1 - b1**t)) / (np.sqrt(variance / (1 - b2**t)) + eps)
    return parameter + rate * step, mean, variance
