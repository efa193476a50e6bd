"""[convolutional]: cross-correlation with a bank of filters."""

from __future__ import annotations

import warnings

import numpy as np

from darkpy.config.options import choice, flag, integer
from darkpy.engine.boundary import FloatArray
from darkpy.layers.registry import register
from darkpy.layers.shape import Shape
from darkpy.layers.shared.activation_functions import activation_code, activation_option
from darkpy.layers.shared.filter_layer import FilterLayer

__all__ = ["Convolutional"]


@register("convolutional")
class Convolutional(FilterLayer):
    """Cross-correlation, then batch normalisation or bias, then an activation.

    y[b,f,i,j] = act(bias[f] + sum_{c,u,v} w[f,c,u,v] x[b, g*C/G + c, i*s - p + u, j*s - p + v]),
    stride s, zero outside the image; p = size // 2 with ``pad=1``, else ``padding``.

    Source: Darknet convolutional_layer.c; a 1x1 convolution with a stride reads the strided pixels
    (Darknet's CPU code does not), and gradients always accumulate.
    """

    options = (
        integer("filters", 1, "number of filters", minimum=1),
        integer("size", 1, "height and width of the filters in pixels", minimum=1),
        integer("stride", 1, "step between outputs in pixels", minimum=1),
        integer(
            "stride_x", None, "step along a row; default: stride", minimum=1, dialect="alexeyab"
        ),
        integer(
            "stride_y", None, "step along a column; default: stride", minimum=1, dialect="alexeyab"
        ),
        flag("pad", False, "pad with size // 2 pixels on each side"),
        integer("padding", 0, "pixels of zeros on each side when pad=0", minimum=0),
        integer("groups", 1, "groups of channels that do not mix", minimum=1),
        integer(
            "dilation", 1, "distance of the filter's taps in pixels", minimum=1, dialect="alexeyab"
        ),
        activation_option("logistic"),
        flag("batch_normalize", False, "normalise over the batch before the bias"),
        flag("binary", False, "read for compatibility; without effect in Darknet's CPU code"),
        flag("xnor", False, "binary weights and inputs: not supported"),
        flag("flipped", False, "the weights file holds the filters transposed"),
        choice(
            "init",
            "random",
            ("random", "identity"),
            "initial weights; identity: each of the first filters passes one channel on, in order",
            dialect="darkpy",
        ),
        integer("dot", 0, "read for compatibility; without effect in Darknet", dialect="pjreddie"),
    )

    def configure(self) -> None:
        """Check sizes and register parameters."""
        o = self.values
        shape = self.need_image()
        if shape.channels % o.groups or o.filters % o.groups:
            raise o.error(
                "groups",
                f"must divide both the {shape.channels} input channels and the {o.filters} filters",
            )
        if o.xnor:
            raise o.error("xnor", "binary networks are not supported")
        if o.binary:
            warnings.warn(str(o.error("binary", "has no effect, as in Darknet")), stacklevel=2)
        stride_h, stride_w = o.stride_y or o.stride, o.stride_x or o.stride
        dilation = o.dilation if o.size > 1 else 1
        padding = o.size // 2 if o.pad else o.padding
        if padding > 1 << 16:
            raise o.error("padding", "must be at most 65536 pixels")
        # Darknet computes the output's size without dilation. That fits the convolution only if the
        # padding keeps the size.
        if dilation > 1 and 2 * padding != o.size - 1:
            raise o.error(
                "dilation", f"needs padding {(o.size - 1) / 2:g}, the padding is {padding}"
            )
        height = (shape.height + 2 * padding - o.size) // stride_h + 1
        width = (shape.width + 2 * padding - o.size) // stride_w + 1
        if min(shape.height, shape.width) + 2 * padding < o.size:
            raise o.error("size", f"is larger than the padded input of {shape}")
        self.output_shape = Shape(o.filters, height, width)
        self.geometry = {
            "channels": shape.channels,
            "filters": o.filters,
            "groups": o.groups,
            "size_h": o.size,
            "size_w": o.size,
            "stride_h": stride_h,
            "stride_w": stride_w,
            "pad_h": padding * dilation,
            "pad_w": padding * dilation,
            "dilation_h": dilation,
            "dilation_w": dilation,
        }
        self.channels = o.filters
        self.normalizes = o.batch_normalize
        self.rolling = self.dialect.bn_rolling_weight
        self.activation = activation_code(o.activation)
        self.add_bias()
        if self.normalizes:
            self.add_batchnorm()
        self.check_weights(o.filters * (shape.channels // o.groups) * o.size * o.size)
        self.add_weights((o.filters, shape.channels // o.groups, o.size, o.size))

    def initial_weights(self) -> FloatArray:
        """Return random weights times sqrt(2 / fan in): normal for pjreddie, uniform for AlexeyAB.

        With ``init=identity`` filter k of a group is 1 in its middle at channel k and 0 elsewhere;
        filters beyond the number of channels stay random.  Source: S. Zagoruyko and N. Komodakis
        2017, DiracNets.
        """
        shape = self.parameters["weights"].shape
        scale = np.float32(np.sqrt(2 / (shape[1] * shape[2] * shape[3])))
        if self.dialect.weight_init == "normal":
            weights = self.generator().standard_normal(shape, np.float32) * scale
        else:
            weights = (self.generator().random(shape, np.float32) * 2 - 1) * scale
        if self.values.init == "identity":
            _, channels, rows, columns = shape
            grouped = weights.reshape(self.values.groups, -1, channels, rows, columns)
            first = np.arange(min(grouped.shape[1], channels))
            grouped[:, first] = 0
            grouped[:, first, first, rows // 2, columns // 2] = 1
        return weights

    def multiply_adds(self) -> int:
        """Number of outputs times number of taps."""
        _, channels, height, width = self.parameters["weights"].shape
        return self.output_shape.size * channels * height * width

    def describe(self) -> str:
        """Return filters, size, stride, batch normalisation and activation."""
        o, g = self.values, self.geometry
        groups = f" /{g['groups']} groups" if g["groups"] > 1 else ""
        stride = (
            f"/{g['stride_h']}"
            if g["stride_h"] == g["stride_w"]
            else f"/{g['stride_h']}x{g['stride_w']}"
        )
        normalized = "bn " if self.normalizes else ""
        return f"{o.size} x {o.size} {stride}{groups} {normalized}{o.activation}"
