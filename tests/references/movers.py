"""Layers without parameters: pooling, normalisation over channels, moving and joining values."""

from __future__ import annotations

from . import activations, pooling, reorg, routing
from .layers import Layer, section
from .lrn import lrn_backward, lrn_forward


@section("maxpool", "max", "local_avgpool", "local_avg")
class Pool(Layer):
    def build(self):
        stride = self.int("stride", 1)
        self.stride = (self.int("stride_y", stride), self.int("stride_x", stride))
        self.size = self.int("size", stride)
        self.padding = self.int("padding", self.size - 1)
        self.is_max = "max" in self.options["section"]
        channels, height, width = self.input_shape
        self.shape = (
            channels,
            pooling.pool_size(height, self.size, self.stride[0], self.padding),
            pooling.pool_size(width, self.size, self.stride[1], self.padding),
        )

    def forward(self, x, train):
        geometry = self.size, self.stride, self.padding
        if not self.is_max:
            return pooling.local_avgpool_forward(x, *geometry)
        y, self.argmax = pooling.maxpool_forward(x, *geometry)
        return y

    def backward(self, delta):
        shape = (len(delta), *self.input_shape)
        if self.is_max:
            return pooling.maxpool_backward(delta, self.argmax, shape)
        return pooling.local_avgpool_backward(delta, shape, self.size, self.stride, self.padding)


@section("avgpool", "avg")
class AvgPool(Layer):
    def build(self):
        self.shape = (self.input_shape[0], 1, 1)

    def forward(self, x, train):
        return pooling.avgpool_forward(x)

    def backward(self, delta):
        return pooling.avgpool_backward(delta, (len(delta), *self.input_shape))


@section("normalization", "lrn")
class Lrn(Layer):
    is_image = None

    def build(self):
        self.options3 = (self.int("size", 5), self.float("alpha", 1e-4), self.float("beta", 0.75))

    def forward(self, x, train):
        self.x = x
        y, self.norms = lrn_forward(x, *self.options3, self.float("kappa", 1))
        return y

    def backward(self, delta):
        return lrn_backward(delta, self.x, self.norms, *self.options3)


@section("dropout")
class Dropout(Layer):
    is_image = None

    def build(self):
        default = {"pjreddie": 0.5, "alexeyab": 0.2}[self.net.dialect]
        self.probability = self.float("probability", default)

    def forward(self, x, train):
        self.keep = self.net.dropout_keep(self.index, x.shape, self.probability) if train else None
        return routing.dropout_forward(x, self.keep, self.probability) if train else x

    def backward(self, delta):
        return routing.dropout_backward(delta, self.keep, self.probability)


@section("crop")
class Crop(Layer):
    def build(self):
        self.shape = (self.input_shape[0], self.int("crop_height", 1), self.int("crop_width", 1))

    def forward(self, x, train):
        self.place = (None, None, False)
        if train:
            room = [a - b for a, b in zip(self.input_shape[1:], self.shape[1:], strict=True)]
            self.place = self.net.crop_place(self.index, *room, bool(self.int("flip")))
        return routing.crop_forward(x, *self.shape[1:], *self.place, not self.int("noadjust"))

    def backward(self, delta):
        shape = (len(delta), *self.input_shape)
        return routing.crop_backward(delta, shape, *self.place, not self.int("noadjust"))


@section("route")
class Route(Layer):
    def build(self):
        self.sources = [self.source(s) for s in self.options["layers"].split(",")]
        self.is_image = any(source.is_image for source in self.sources)
        self.part = (self.int("groups", 1), self.int("group_id"))
        channels = sum(s.shape[0] // self.part[0] for s in self.sources)
        self.shape = (channels, *self.sources[0].shape[1:])

    def forward(self, x, train):
        return routing.route_forward([s.output for s in self.sources], *self.part)

    def backward(self, delta):
        shapes = [s.output.shape for s in self.sources]
        parts = routing.route_backward(delta, shapes, *self.part)
        for source, grad in zip(self.sources, parts, strict=True):
            source.delta += grad
        return None


@section("shortcut")
class Shortcut(Layer):
    is_image = None

    def build(self):
        self.sources = [self.source(s) for s in self.options["from"].split(",")]
        self.activation = self.text("activation", "linear")
        self.factors = (self.float("alpha", 1), self.float("beta", 1))
        if self.text("weights_type", "none") != "none":
            raise ValueError("weighted shortcuts are not modelled")

    def forward(self, x, train):
        for source in self.sources:
            x = routing.shortcut_forward(x, source.output, *self.factors)
        self.before = x
        return activations.activation_forward(self.activation, x)

    def backward(self, delta):
        delta = activations.activation_backward(self.activation, delta, self.before, self.output)
        self.delta_after = delta
        for source in reversed(self.sources):
            delta, grad = routing.shortcut_backward(
                delta, self.output.shape, source.output.shape, *self.factors
            )
            source.delta += grad
        return delta


@section("upsample")
class Upsample(Layer):
    def build(self):
        channels, height, width = self.input_shape
        stride, self.scale = self.int("stride", 2), self.float("scale", 1)
        self.stride = stride
        if stride < 0:
            self.shape = (channels, height // -stride, width // -stride)
        else:
            self.shape = (channels, height * stride, width * stride)

    def forward(self, x, train):
        return routing.upsample_forward(x, self.stride, self.scale)

    def backward(self, delta):
        return routing.upsample_backward(delta, self.stride, self.scale)


@section("reorg", "reorg3d")
class Reorg(Layer):
    def build(self):
        channels, height, width = self.input_shape
        s, self.reverse = self.int("stride", 1), bool(self.int("reverse"))
        if self.reverse:
            self.shape = (channels // s**2, height * s, width * s)
        else:
            self.shape = (channels * s**2, height // s, width // s)
        self.stride, self.extra = s, self.int("extra")
        self.flatten = bool(self.int("flatten"))
        self.proper = self.options["section"] == "reorg3d"
        if self.extra and not self.flatten:
            self.is_image = False
            self.shape = (channels * height * width + self.extra, 1, 1)

    def forward(self, x, train):
        if self.proper:
            return reorg.reorg3d_forward(x, self.stride, self.reverse)
        if self.flatten:
            return reorg.flatten_forward(x, self.reverse)
        if self.extra:
            return reorg.extra_forward(x, self.extra)[:, :, None, None]
        return reorg.reorg_forward(x, self.stride, self.reverse)

    def backward(self, delta):
        shape = (len(delta), *self.input_shape)
        if self.proper:
            return reorg.reorg3d_backward(delta, self.stride, self.reverse)
        if self.flatten:
            return reorg.flatten_backward(delta, self.reverse)
        if self.extra:
            return reorg.extra_backward(delta, shape)
        return reorg.reorg_backward(delta, shape, self.stride, self.reverse)


@section("l2norm")
class L2Norm(Layer):
    is_image = None

    def forward(self, x, train):
        self.x = x
        return routing.l2norm_forward(x)

    def backward(self, delta):
        return routing.l2norm_backward(delta, self.x)


@section("sam", "scale_channels")
class Product(Layer):
    """[sam]: previous times source. [scale_channels]: source times the previous layer's factors."""

    is_image = None

    def build(self):
        self.other = self.source(self.options["from"])
        self.activation = self.text("activation", "linear")
        self.shape = self.other.shape

    def forward(self, x, train):
        self.x = x
        self.before = x * self.other.output
        return activations.activation_forward(self.activation, self.before)

    def backward(self, delta):
        delta = activations.activation_backward(self.activation, delta, self.before, self.output)
        delta, grad = routing.product_backward(delta, self.x, self.other.output)
        self.other.delta += grad
        return delta
