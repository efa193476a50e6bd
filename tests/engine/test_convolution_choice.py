"""A change detector for the rule that chooses an algorithm from the shape."""

from __future__ import annotations

from convolution_cases import CASES, Case

from darkpy.engine.boundary import lib, struct


def test_the_choice_depends_on_the_shape():
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
