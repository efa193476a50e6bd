"""Layers with parameters or an activation of their own."""

from __future__ import annotations

import numpy as np

from . import activations, batchnorm
from .connected import connected_backward, connected_forward
from .convolution import convolution_backward, convolution_forward, output_size
from .layers import Layer, section
from .local import local_backward, local_forward


class _Neurons(Layer):
    """Weights, then batch normalisation or bias, then activation."""

    alexeyab_factor = 0.1

    def common(self, filters, weights_shape, biases, uniform):
        self.activation = self.text("activation", "logistic")
        self.normalized = bool(self.int("batch_normalize"))
        fan_in = int(np.prod(weights_shape[1:] if len(weights_shape) != 3 else weights_shape[2:]))
        draw = (
            self.net.rng.uniform(-1, 1, weights_shape)
            if uniform
            else self.net.rng.standard_normal(weights_shape)
        )
        self.parameters["biases"] = np.zeros(biases)
        if self.normalized:
            self.parameters["scales"] = np.ones(filters)
            self.parameters["rolling_mean"] = np.zeros(filters)
            self.parameters["rolling_variance"] = np.zeros(filters)
        self.parameters["weights"] = draw * np.sqrt(2 / fan_in)

    def product(self, x):
        raise NotImplementedError

    def product_backward(self, delta, x):
        raise NotImplementedError

    def forward(self, x, train):
        self.x = x
        y = self.product(x)
        p = self.parameters
        if self.normalized:
            self.before_norm = y
            y, self.statistics = _normalize(self, y, train, self.alexeyab_factor)
        else:
            y = y + p["biases"].reshape(self.bias_shape)
        self.before = y
        return activations.activation_forward(self.activation, y)

    def backward(self, delta):
        delta = activations.activation_backward(self.activation, delta, self.before, self.output)
        if self.normalized:
            delta = _normalize_backward(self, delta, self.before_norm, self.statistics)
        else:
            self.updates["biases"] += self.bias_sum(delta)
        self.delta_after = delta
        delta, update = self.product_backward(delta, self.x)
        self.updates["weights"] += update
        return delta

    def bias_sum(self, delta):
        return delta.sum((0, 2, 3))


def _normalize(layer, x, train, alexeyab_factor=0.1):
    p, form = layer.parameters, layer.net.batchnorm
    if not train:
        mean, variance = p["rolling_mean"], p["rolling_variance"]
        y = batchnorm.batchnorm_forward_inference(x, p["scales"], p["biases"], mean, variance, form)
        return y, None
    y, x_hat, mean, variance = batchnorm.batchnorm_forward_train(x, p["scales"], p["biases"], form)
    factor = alexeyab_factor if layer.net.dialect == "alexeyab" else 0.01
    count = x.size // x.shape[1]
    unbiased = variance * count / max(count - 1, 1) if form == "cudnn" else variance
    p["rolling_mean"] = batchnorm.rolling_update(p["rolling_mean"], mean, factor)
    p["rolling_variance"] = batchnorm.rolling_update(p["rolling_variance"], unbiased, factor)
    return y, (x_hat, mean, variance)


def _normalize_backward(layer, delta, x, statistics):
    x_hat, mean, variance = statistics
    scales = layer.parameters["scales"]
    if layer.net.batchnorm == "cudnn":
        grads = batchnorm.batchnorm_backward_exact(delta, x_hat, variance, scales)
    else:
        grads = batchnorm.batchnorm_backward(delta, x, x_hat, mean, variance, scales)
    delta, update_scales, update_biases = grads
    layer.updates["scales"] += update_scales
    layer.updates["biases"] += update_biases
    return delta


@section("convolutional", "conv")
class Convolutional(_Neurons):
    bias_shape = (-1, 1, 1)

    def build(self):
        size, stride = self.int("size", 1), self.int("stride", 1)
        self.stride = (self.int("stride_y", stride), self.int("stride_x", stride))
        self.dilation = self.int("dilation", 1) if size > 1 else 1
        self.pad = (size // 2 if self.int("pad") else self.int("padding")) * self.dilation
        self.groups = self.int("groups", 1)
        channels, height, width = self.input_shape
        filters = self.int("filters", 1)
        self.common(filters, (filters, channels // self.groups, size, size), filters, False)
        self.shape = (
            filters,
            output_size(height, size, self.stride[0], self.pad, self.dilation),
            output_size(width, size, self.stride[1], self.pad, self.dilation),
        )

    def file_order(self):
        norm = ["scales", "rolling_mean", "rolling_variance"] if self.normalized else []
        return ["biases", *norm, "weights"]

    def geometry(self):
        return self.stride, self.pad, self.dilation, self.groups

    def product(self, x):
        return convolution_forward(x, self.parameters["weights"], None, *self.geometry())

    def product_backward(self, delta, x):
        return convolution_backward(delta, x, self.parameters["weights"], *self.geometry())[:2]


@section("connected", "conn")
class Connected(_Neurons):
    is_image = False
    bias_shape = (-1, 1, 1)
    alexeyab_factor = 0.05

    def build(self):
        outputs = self.int("output", 1)
        self.common(outputs, (outputs, int(np.prod(self.input_shape))), outputs, True)
        self.shape = (outputs, 1, 1)

    def file_order(self):
        norm = ["scales", "rolling_mean", "rolling_variance"] if self.normalized else []
        return ["biases", "weights", *norm]

    def product(self, x):
        return connected_forward(x, self.parameters["weights"])[:, :, None, None]

    def product_backward(self, delta, x):
        return connected_backward(delta[:, :, 0, 0], x, self.parameters["weights"])[:2]


@section("local")
class Local(_Neurons):
    def build(self):
        size, stride = self.int("size", 1), self.int("stride", 1)
        pad = (size - 1) // 2 if self.int("pad") else 0
        channels, height, width = self.input_shape
        filters = self.int("filters", 1)
        out_h, out_w = output_size(height, size, stride, pad), output_size(width, size, stride, pad)
        self.geometry = (size, stride, pad)
        self.shape = (filters, out_h, out_w)
        self.bias_shape = self.shape
        weights = (out_h * out_w, filters, channels * size * size)
        self.common(filters, weights, filters * out_h * out_w, True)

    def file_order(self):
        return ["biases", "weights"]

    def product(self, x):
        zero = np.zeros(self.parameters["biases"].shape)
        return local_forward(x, self.parameters["weights"], zero, *self.geometry)

    def product_backward(self, delta, x):
        return local_backward(delta, x, self.parameters["weights"], *self.geometry)[:2]

    def bias_sum(self, delta):
        return delta.sum(0).ravel()


@section("batchnorm")
class BatchNorm(Layer):
    is_image = None

    def build(self):
        channels = self.input_shape[0]
        start = {"biases": 0.0, "scales": 1.0, "rolling_mean": 0.0, "rolling_variance": 0.0}
        self.parameters = {name: np.full(channels, value) for name, value in start.items()}

    def file_order(self):
        return ["biases", "scales", "rolling_mean", "rolling_variance"]

    def forward(self, x, train):
        self.x = x
        y, self.statistics = _normalize(self, x, train)
        return y

    def backward(self, delta):
        self.delta_after = _normalize_backward(self, delta, self.x, self.statistics)
        return self.delta_after


@section("activation")
class Activation(Layer):
    is_image = None

    def build(self):
        self.activation = self.text("activation", "linear")

    def forward(self, x, train):
        self.x = x
        return activations.activation_forward(self.activation, x)

    def backward(self, delta):
        self.delta_after = activations.activation_backward(
            self.activation, delta, self.x, self.output
        )
        return self.delta_after
