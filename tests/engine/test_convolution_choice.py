"""Algorithms by name: what each leaves behind in its results, and which one is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from convolution_call import backward_data, backward_weights, forward
from convolution_cases import CASES, LARGE, Case, forward_reference
from draw import normal
from needs import needs_bf16

from darkpy.engine.algorithms import algorithm_number, chosen_algorithm
from darkpy.engine.boundary import lib, struct
from darkpy.engine.enums import ALGORITHMS, PASSES
from darkpy.errors import KernelError
from darkpy.kernels.convolution import convolution_forward


def errors(x, weights, algorithm):
    """Of each output of a 3x3 convolution, the largest over the filters: [image, row, column]."""
    batch, height, width, channels = x.shape
    case = Case(channels, len(weights), plane=(height, width), batch=batch, gap=0)
    got = forward(case, x, weights, algorithm_number(algorithm))
    return np.abs(got - forward_reference(case, x, weights)).max(axis=-1)


def reach_of_a_pixel(rng, algorithm):
    """How far from a huge pixel outputs are off."""
    x, weights = normal(rng, 11, 1, 11, 16), normal(rng, 16, 16, 3, 3)
    pixels = np.arange(11)
    x[pixels, 0, pixels] *= 1e6
    image, pixel = np.nonzero(errors(x, weights, algorithm)[:, 0] > 1e-2)
    return int(abs(image - pixel).max())


def mixes_weights(rng, algorithm):
    """Whether outputs are off where huge weights meet zeros."""
    x, weights = normal(rng, 1, 1, 12, 16), normal(rng, 16, 16, 3, 3)
    x[:, :, ::2] = 0
    weights[..., 1] *= 1e6
    return bool((errors(x, weights, algorithm)[0, 0, ::2] > 1e-2).any())


@pytest.mark.parametrize(
    ("algorithm", "reach", "mixes"),
    [
        ("im2col", 1, False),
        ("indirect", 1, False),
        ("winograd-2x2", 1, True),
        ("winograd", 3, True),
    ],
)
def test_errors_show_the_algorithm(every_simd, rng, algorithm, reach, mixes):
    """Both of Winograd's mix weights; only that of 4x4 outputs spoils outputs beyond reach."""
    assert reach_of_a_pixel(rng, algorithm) == reach
    assert mixes_weights(rng, algorithm) == mixes


def workspace(case, algorithm):
    """Bytes that a forward pass asks for."""
    n, height, width, filters = case.y_shape()
    y = {"batch": n, "height": height, "width": width, "channels": filters, "stride": filters}
    n, height, width, channels = case.x_shape()
    x = {"batch": n, "height": height, "width": width, "channels": channels, "stride": channels}
    fields = {"shape": case.fields(), "x": x, "y": y, "algorithm": algorithm_number(algorithm)}
    return lib.dk_convolution_forward_workspace(struct("dk_convolution", fields))


def test_im2col_alone_writes_columns():
    case = LARGE["strided"]
    columns = 4 * case.terms() * np.prod(case.out_plane())
    assert workspace(case, "im2col") >= columns
    assert workspace(case, "indirect") < columns
    case = LARGE["depthwise"]
    assert workspace(case, "im2col") >= 4 * case.terms() * np.prod(case.out_plane())
    assert workspace(case, "depthwise") == 0


def test_depthwise_is_for_depthwise_shapes_only(rng):
    x, weights = normal(rng, 1, 3, 7, 7), normal(rng, 3, 1, 3, 3)
    want = convolution_forward(x, weights, pad=1, groups=3, algorithm="im2col")
    got = convolution_forward(x, weights, pad=1, groups=3, algorithm="depthwise")
    np.testing.assert_allclose(got, want, atol=1e-5)
    with pytest.raises(KernelError, match="cannot"):
        convolution_forward(x, normal(rng, 3, 3, 3, 3), pad=1, algorithm="depthwise")


#: Passes choose different algorithms for these: with 16 lanes the forward pass of "strided" chooses
#: another than the others, that of the weights for "medium" on all instruction sets.
CHOSEN = {
    "large": Case(64, 64, plane=(28, 28), batch=1),
    "strided": Case(64, 128, stride=(2, 2), plane=(56, 56), batch=1),
    "few pixels": Case(64, 64, plane=(2, 2), batch=1),
    "medium": Case(16, 16, plane=(14, 14), batch=1),
    "depthwise": CASES["depthwise"],
}


@pytest.mark.parametrize("name", CHOSEN)
def test_auto_runs_what_is_named_for_each_pass(every_simd, rng, name):
    case = CHOSEN[name]
    x, dy = normal(rng, *case.x_shape()), normal(rng, *case.y_shape())
    weights = normal(rng, *case.weights_shape())
    runs = {
        "forward": lambda algorithm: forward(case, x, weights, algorithm),
        "backward_data": lambda algorithm: backward_data(case, dy, weights, algorithm),
        "backward_weights": lambda algorithm: backward_weights(case, x, dy, algorithm),
    }
    assert set(runs) == set(PASSES)
    for passed, run in runs.items():
        chosen = chosen_algorithm(case.fields(), case.batch, case.out_plane(), passed)
        auto = run(algorithm_number("auto"))
        np.testing.assert_array_equal(auto, run(algorithm_number(chosen)))
        is_winograd = chosen.startswith("winograd")
        assert (auto != run(algorithm_number("im2col"))).any() or not is_winograd


@needs_bf16
@pytest.mark.parametrize("algorithm", ["indirect-bf16", "winograd-2x2-bf16"])
def test_bf16_in_a_name_means_rounded_operands(algorithm):
    x, weights = np.full((1, 1, 4, 4), 1 + 2.0**-12, np.float32), np.zeros((1, 1, 3, 3), np.float32)
    weights[..., 1, 1] = 1
    plain = algorithm.removesuffix("-bf16")
    np.testing.assert_array_equal(convolution_forward(x, weights, pad=1, algorithm=plain), x)
    y = convolution_forward(x, weights, pad=1, algorithm=algorithm)
    np.testing.assert_array_equal(y, np.ones_like(x))


def test_every_algorithm_is_told_apart_here():
    assert set(ALGORITHMS) == {
        *("auto", "im2col", "indirect", "depthwise", "winograd", "winograd-2x2"),
        *("indirect-bf16", "winograd-2x2-bf16"),
    }


def test_the_thresholds_of_the_choice_are_these():
    """Detects a change of the rule; results hardly depend on it."""
    pick = lib.dk_convolution_choose
    plain = struct("dk_conv_shape", CASES["pointwise"].fields())
    depthwise = struct("dk_conv_shape", CASES["depthwise"].fields())
    large = struct("dk_conv_shape", Case(64, 64).fields())
    strided = struct("dk_conv_shape", Case(64, 128, stride=(2, 2)).fields())
    for which in range(3):
        assert pick(plain, 1, 7, 6, which) == lib.DK_CONV_INDIRECT
        assert pick(depthwise, 1, 9, 8, which) == lib.DK_CONV_DEPTHWISE
        assert pick(large, 1, 56, 56, which) == lib.DK_CONV_WINOGRAD
        assert pick(large, 1, 2, 2, which) == lib.DK_CONV_INDIRECT
        assert pick(strided, 1, 2, 2, which) == lib.DK_CONV_INDIRECT
    assert pick(strided, 1, 56, 56, lib.DK_CONV_BACKWARD_DATA) == lib.DK_CONV_INDIRECT
    assert pick(strided, 1, 56, 56, lib.DK_CONV_BACKWARD_WEIGHTS) == lib.DK_CONV_INDIRECT
    if lib.dk_simd_lanes() == 16:
        assert pick(large, 1, 7, 7, lib.DK_CONV_FORWARD) == lib.DK_CONV_WINOGRAD_2X2
        assert pick(strided, 1, 56, 56, lib.DK_CONV_FORWARD) == lib.DK_CONV_WINOGRAD_2X2
