"""Convolution on NumPy's arrays against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest
from draw import integers
from needs import needs_bf16
from references.convolution import convolution_backward
from references.convolution import convolution_forward as reference

from darkpy.engine import simd
from darkpy.errors import ArgumentError, DTypeError, KernelError, ShapeError
from darkpy.kernels.convolution import (
    convolution_backward_data,
    convolution_backward_weights,
    convolution_forward,
)

CASES = [
    # x, weights, options
    ((2, 5, 7, 6), (4, 5, 3, 3), {"pad": 1}),
    ((1, 8, 9, 8), (6, 4, 3, 2), {"stride": (2, 1), "pad": (1, 0), "groups": 2}),
    ((2, 3, 11, 12), (7, 3, 2, 3), {"dilation": (2, 3), "pad": 2, "stride": 2}),
    ((3, 6, 5, 5), (6, 1, 3, 3), {"pad": 1, "groups": 6}),
    ((4, 6, 5, 4), (9, 6, 5, 4), {}),
]


@pytest.mark.parametrize(("x_shape", "weights_shape", "options"), CASES)
@pytest.mark.parametrize("algorithm", ["auto", "im2col"])
def test_all_three_passes(rng, x_shape, weights_shape, options, algorithm):
    x, weights = integers(rng, x_shape), integers(rng, weights_shape)
    biases = integers(rng, weights_shape[0])
    y = convolution_forward(x, weights, biases, **options, algorithm=algorithm)
    np.testing.assert_array_equal(y, reference(x, weights, biases, **options))
    assert convolution_forward(x, weights, out=y, **options) is y
    np.testing.assert_array_equal(y, reference(x, weights, **options))
    grad_y = integers(rng, y.shape)
    grad_x, grad_weights, _ = convolution_backward(grad_y, x, weights, **options)
    options = {**options, "algorithm": algorithm}
    plane, ksize = x_shape[2:], weights_shape[2:]
    got = convolution_backward_data(grad_y, weights, plane, **options)
    np.testing.assert_array_equal(got, grad_x)
    got = convolution_backward_data(grad_y, weights, plane, **options, out=x.copy())
    np.testing.assert_array_equal(got, grad_x + x)
    got = convolution_backward_weights(x, grad_y, ksize, **options)
    np.testing.assert_array_equal(got, grad_weights)
    got = convolution_backward_weights(x, grad_y, ksize, **options, out=weights.copy())
    np.testing.assert_array_equal(got, grad_weights + weights)


def test_bad_input_is_named():
    x, weights = np.ones((1, 4, 5, 5), np.float32), np.ones((2, 4, 3, 3), np.float32)
    with pytest.raises(ShapeError, match="weights must have shape"):
        convolution_forward(x, weights, groups=2)
    with pytest.raises(ShapeError, match="biases must have shape"):
        convolution_forward(x, weights, np.ones(3, np.float32))
    with pytest.raises(DTypeError, match="x must be"):
        convolution_forward(x.astype(np.float64), weights)
    with pytest.raises(ArgumentError, match="algorithm must be one of"):
        convolution_forward(x, weights, algorithm="fft")
    with pytest.raises(KernelError):
        convolution_forward(x, weights, algorithm="depthwise")
    with pytest.raises(ShapeError, match="does not fit the height 5"):
        convolution_forward(x, np.ones((2, 4, 7, 7), np.float32))
    with pytest.raises(ShapeError, match="grad_y must have shape"):
        convolution_backward_data(x, np.ones((2, 4, 1, 1), np.float32), (5, 5))
    with pytest.raises(ShapeError, match=r"grad_y must have shape \(1, 4, 3, 3\)"):
        convolution_backward_weights(x, x, 3)


@needs_bf16
@pytest.mark.parametrize("algorithm", ["indirect-bf16", "winograd-2x2-bf16"])
def test_bf16_is_exact_on_small_integers(rng, algorithm):
    """Eight bits hold them, Winograd's transforms of them as well."""
    x, weights, biases = (integers(rng, s) for s in ((2, 5, 9, 8), (20, 5, 3, 3), 20))
    y = convolution_forward(x, weights, biases, pad=1, algorithm=algorithm)
    np.testing.assert_array_equal(y, reference(x, weights, biases, pad=1))


@needs_bf16
def test_what_bf16_cannot_do_is_refused(rng):
    x = rng.standard_normal((1, 4, 5, 5), np.float32)
    weights = rng.standard_normal((4, 2, 3, 3), np.float32)
    with pytest.raises(KernelError):
        convolution_forward(x, weights, groups=2, pad=1, algorithm="indirect-bf16")
    weights = rng.standard_normal((4, 4, 3, 3), np.float32)
    for name in ("indirect-bf16", "winograd-2x2-bf16"):
        with pytest.raises(KernelError):
            convolution_backward_data(x, weights, (5, 5), pad=1, algorithm=name)
        with pytest.raises(KernelError):
            convolution_backward_weights(x, x, 3, pad=1, algorithm=name)
    with pytest.raises(KernelError):
        convolution_forward(x, weights, stride=2, algorithm="winograd-2x2-bf16")


def test_other_instruction_sets_say_that_they_lack_bf16(every_simd, rng):
    if every_simd == "avx512":
        return
    assert not simd.has_bf16()
    x = rng.standard_normal((1, 2, 5, 5), np.float32)
    for name in ("indirect-bf16", "winograd-2x2-bf16"):
        with pytest.raises(KernelError, match="cannot"):
            convolution_forward(x, x[:, :, :3, :3].copy(), algorithm=name)
