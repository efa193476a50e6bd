"""What the [region] and [yolo] heads give in inference: their output array, no boxes."""

from __future__ import annotations

import numpy as np

from .activations import activate
from .losses import softmax_forward


def _softmax_over_planes(planes):
    """Softmax over axis 2 of (batch, anchors, planes, h, w)."""
    moved = np.moveaxis(planes, 2, -1)
    soft = softmax_forward(moved.reshape(-1, moved.shape[-1])).reshape(moved.shape)
    return np.moveaxis(soft, -1, 2)


def region_forward(x, num, classes, coords=4, softmax=False, background=False, tree=None):
    """pjreddie's layout: per anchor the planes x, y, w, h, (more coords), objectness, classes.

    tree: sizes of the class tree's groups, each with its own softmax.
    """
    x = np.asarray(x, np.float64)
    batch, _, height, width = x.shape
    y = x.reshape(batch, num, coords + 1 + classes, height, width).copy()
    y[:, :, :2] = activate("logistic", y[:, :, :2])
    if not background:
        y[:, :, coords] = activate("logistic", y[:, :, coords])
    if tree is not None:
        start = coords + 1
        for size in tree:
            y[:, :, start : start + size] = _softmax_over_planes(y[:, :, start : start + size])
            start += size
    elif softmax:
        first = coords if background else coords + 1
        y[:, :, first:] = _softmax_over_planes(y[:, :, first:])
    else:
        y[:, :, coords + 1 :] = activate("logistic", y[:, :, coords + 1 :])
    return y.reshape(x.shape)


def region_forward_alexeyab(x, num, classes, coords=4, softmax=False):
    """The fork's memory order [cell][anchor][coords, objectness, classes]; x and y stay raw."""
    x = np.asarray(x, np.float64)
    batch, channels, height, width = x.shape
    y = x.reshape(batch, channels, height * width).transpose(0, 2, 1)
    y = y.reshape(batch, height * width * num, coords + 1 + classes).copy()
    y[:, :, coords] = activate("logistic", y[:, :, coords])
    if softmax:
        scores = y[:, :, coords + 1 :]
        y[:, :, coords + 1 :] = softmax_forward(scores.reshape(-1, classes)).reshape(scores.shape)
    return y.reshape(x.shape)


def yolo_forward(x, anchors, classes, scale_x_y=1.0, new_coords=False):
    """Logistic on x, y, objectness and classes (not with new_coords); then x, y spread."""
    x = np.asarray(x, np.float64)
    batch, _, height, width = x.shape
    y = x.reshape(batch, anchors, 5 + classes, height, width).copy()
    if not new_coords:
        y[:, :, :2] = activate("logistic", y[:, :, :2])
        y[:, :, 4:] = activate("logistic", y[:, :, 4:])
    y[:, :, :2] = scale_x_y * y[:, :, :2] - 0.5 * (scale_x_y - 1)
    return y.reshape(x.shape)
