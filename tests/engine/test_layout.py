"""Copies between users' arrays and the engine's tensors, channels last."""

from __future__ import annotations

import numpy as np
import pytest
from engine_call import Guarded

from darkpy.engine.boundary import lib, pointer, struct

SHAPES = [(1, 1, 1, 1), (2, 5, 3, 4), (3, 40, 2, 1), (1, 16, 17, 33), (2, 3, 64, 65), (4, 33, 1, 7)]


@pytest.mark.parametrize("where", [{"gap": 0, "offset": 0}, {"gap": 3, "offset": 1}])
@pytest.mark.parametrize("shape", SHAPES)
def test_channels_go_last_and_come_back(every_simd, rng, shape, where):
    x = rng.normal(size=shape).astype(np.float32)
    tensor = Guarded.empty(shape, **where)
    assert lib.dk_from_nchw(pointer(x), struct("dk_tensor", tensor.struct)) == lib.DK_OK
    np.testing.assert_array_equal(tensor.values, x.transpose(0, 2, 3, 1))
    back = np.full(x.size + 2, -3, np.float32)
    status = lib.dk_to_nchw(struct("dk_tensor", tensor.struct), pointer(back[1:]))
    assert status == lib.DK_OK
    np.testing.assert_array_equal(back[1:-1], x.ravel())
    assert back[0] == back[-1] == -3
    tensor.check()


def test_the_bits_of_nan_and_tiny_values_survive(every_simd):
    bits = np.array([0x7FC00001, 0xFFC12345, 0x80000000, 1], np.uint32)
    tensor, back = Guarded.empty((1, 4, 1, 1)), np.empty(4, np.float32)
    lib.dk_from_nchw(pointer(bits.view(np.float32)), struct("dk_tensor", tensor.struct))
    lib.dk_to_nchw(struct("dk_tensor", tensor.struct), pointer(back))
    np.testing.assert_array_equal(back.view(np.uint32), bits)


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = rng.normal(size=(3, 40, 61, 60)).astype(np.float32)

    def run():
        tensor, back = Guarded.empty(x.shape), np.empty_like(x)
        lib.dk_from_nchw(pointer(x), struct("dk_tensor", tensor.struct))
        lib.dk_to_nchw(struct("dk_tensor", tensor.struct), pointer(back))
        return [tensor.values, back]

    same_bits(run)
