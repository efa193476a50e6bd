"""Layers that have a cost. Every `*_loss` gives (loss per element, Darknet's delta)."""

from __future__ import annotations

import numpy as np

SECRET_NUM = -1234
"""A truth of this value takes no part in the loss."""


def softmax_forward(x, groups=1, temperature=1.0):
    """Softmax over each of `groups` contiguous parts of an image's values: (batch, values)."""
    x = np.asarray(x, np.float64).reshape(len(x), groups, -1)
    powers = np.exp((x - x.max(2, keepdims=True)) / temperature)
    return (powers / powers.sum(2, keepdims=True)).reshape(len(x), -1)


def softmax_loss(y, truth):
    """(-t log y, t - y): the delta is for the softmax's input, without the factor 1/T."""
    y, truth = np.asarray(y, np.float64), np.asarray(truth, np.float64).reshape(np.shape(y))
    counts = truth != SECRET_NUM
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(counts & (truth != 0), y, 1.0))
    return np.where(counts, -truth * logs, 0.0) + 0.0, np.where(counts, truth - y, 0.0)


def logistic_loss(y, truth):
    """Cross entropy of y = logistic(x): (-t log y - (1-t) log(1-y), t - y)."""
    y, truth = np.asarray(y, np.float64), np.asarray(truth, np.float64).reshape(np.shape(y))
    return -truth * np.log(y) - (1 - truth) * np.log(1 - y), truth - y


def sse_loss(p, truth):
    """((t - p)^2, t - p): the delta is half the derivative."""
    error = np.asarray(truth, np.float64).reshape(np.shape(p)) - p
    return error * error, error


def masked_loss(p, truth):
    """As sse, with nothing where the truth is SECRET_NUM."""
    truth = np.asarray(truth, np.float64).reshape(np.shape(p))
    return sse_loss(np.where(truth == SECRET_NUM, truth, p), truth)


def smooth_loss(p, truth):
    """e^2 within 1, else 2|e| - 1; delta e, else sign(e): half the derivative."""
    error = np.asarray(truth, np.float64).reshape(np.shape(p)) - p
    small = np.abs(error) < 1
    return (
        np.where(small, error * error, 2 * np.abs(error) - 1),
        np.where(small, error, np.sign(error)),
    )


def l1_loss(p, truth):
    """(|t - p|, sign(t - p), with -1 where they are equal)."""
    error = np.asarray(truth, np.float64).reshape(np.shape(p)) - p
    return np.abs(error), np.where(error > 0, 1.0, -1.0)


COSTS = {"sse": sse_loss, "masked": masked_loss, "smooth": smooth_loss, "L1": l1_loss}
