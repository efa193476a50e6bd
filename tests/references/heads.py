"""Layers with a cost ([softmax], [logistic], [cost]) and the detection heads in inference.

A layer with a cost sets its own delta in the forward pass when there is a truth; what later
layers send is added to it: so [softmax] followed by [cost] has twice the gradient, as in Darknet.
"""

from __future__ import annotations

import numpy as np

from . import detection
from .activations import activate
from .layers import Layer, section
from .losses import COSTS, logistic_loss, softmax_forward, softmax_loss


class _WithCost(Layer):
    cost_counts = True

    def weigh(self, loss, delta):
        weight = self.float("loss_weight", 1)
        self.cost = weight * loss.sum()
        self.delta += weight * delta.reshape(self.delta.shape)

    def truth_like(self, y):
        return None if self.net.truth is None else self.net.truth.reshape(y.shape)


@section("softmax", "soft")
class Softmax(_WithCost):
    is_image = False

    def build(self):
        self.shape = (int(np.prod(self.input_shape)), 1, 1)

    def forward(self, x, train):
        y = softmax_forward(x, self.int("groups", 1), self.float("temperature", 1))
        if self.net.truth is not None:
            self.cost = 0.0
            if not self.int("noloss"):
                self.weigh(*softmax_loss(y, self.truth_like(y)))
        return y[:, :, None, None]

    def backward(self, delta):
        return delta.reshape(len(delta), *self.input_shape)


@section("logistic")
class Logistic(_WithCost):
    is_image = None

    def forward(self, x, train):
        y = activate("logistic", x)
        if self.net.truth is not None:
            self.weigh(*logistic_loss(y, self.truth_like(y)))
        return y


@section("cost")
class Cost(_WithCost):
    is_image = False

    def build(self):
        self.shape = (int(np.prod(self.input_shape)), 1, 1)

    def forward(self, x, train):
        loss = np.zeros(x.shape)
        if self.net.truth is not None:
            kind = COSTS[self.text("type", "sse")]
            loss, delta = kind(x, self.truth_like(x))
            self.weigh(loss, delta)
        return loss.reshape(len(x), -1, 1, 1)

    def backward(self, delta):
        return self.float("scale", 1) * delta.reshape(len(delta), *self.input_shape)


@section("region")
class Region(Layer):
    def forward(self, x, train):
        num, classes, coords = self.int("num", 1), self.int("classes", 20), self.int("coords", 4)
        softmax = bool(self.int("softmax"))
        if self.net.dialect == "alexeyab":
            return detection.region_forward_alexeyab(x, num, classes, coords, softmax)
        background = bool(self.int("background"))
        return detection.region_forward(x, num, classes, coords, softmax, background)


@section("yolo")
class Yolo(Layer):
    def forward(self, x, train):
        mask = self.text("mask", None)
        anchors = len(mask.split(",")) if mask else self.int("num", 1)
        return detection.yolo_forward(
            x,
            anchors,
            self.int("classes", 20),
            self.float("scale_x_y", 1),
            bool(self.int("new_coords")),
        )
