"""Pooling, channels last, against the reference: every window, every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from engine_call import Guarded, call, status
from references import pooling as reference

from darkpy.engine.boundary import lib

# batch, channels, height, width, (size_h, size_w), (stride_h, stride_w), (padding_h, padding_w)
CASES = [
    (2, 5, 7, 9, (3, 3), (2, 2), (2, 2)),
    (1, 33, 8, 8, (3, 3), (1, 1), (2, 2)),
    (2, 16, 6, 5, (2, 2), (2, 2), (1, 1)),
    (1, 17, 9, 9, (2, 2), (2, 2), (0, 0)),
    (1, 1, 5, 5, (1, 1), (1, 1), (0, 0)),
    (2, 3, 7, 7, (2, 2), (3, 3), (1, 1)),
    (1, 8, 5, 6, (5, 5), (1, 1), (4, 4)),
    (1, 31, 6, 7, (6, 6), (1, 1), (5, 5)),
    (1, 70, 4, 3, (9, 9), (1, 1), (8, 8)),
    (1, 9, 16, 18, (15, 17), (1, 2), (2, 4)),
    (2, 5, 20, 17, (16, 16), (3, 1), (7, 6)),
    (1, 33, 3, 300, (1, 260), (1, 5), (0, 9)),
    (2, 4, 3, 3, (2, 2), (1, 1), (9, 9)),
    (1, 19, 7, 11, (2, 3), (3, 1), (0, 3)),
    (1, 6, 1, 1, (3, 3), (2, 2), (2, 2)),
]


def pool(function, x, y, case, places=None, accumulate=0):
    call(function, "dk_pool", x=x, y=y, places=places, accumulate=accumulate, **window(case))


def window(case):
    _, _, _, _, size, stride, padding = case
    return {
        "size_h": size[0],
        "size_w": size[1],
        "stride_h": stride[0],
        "stride_w": stride[1],
        "pad_h": padding[0] // 2,
        "pad_w": padding[1] // 2,
    }


def out_shape(case):
    batch, channels, height, width, size, stride, padding = case
    return (
        batch,
        channels,
        reference.pool_size(height, size[0], stride[0], padding[0]),
        reference.pool_size(width, size[1], stride[1], padding[1]),
    )


def places_of(argmax, case):
    """The reference's indices as the engine keeps them: in the window where that is small."""
    (size_h, size_w), (stride_h, stride_w), padding = case[4:]
    places = argmax
    if size_h * size_w < 256:
        top = np.arange(argmax.shape[2])[:, None] * stride_h - padding[0] // 2
        left = np.arange(argmax.shape[3]) * stride_w - padding[1] // 2
        places = (argmax // case[3] - top) * size_w + argmax % case[3] - left
        places = np.where(argmax < 0, 255, places)
    kind = np.uint8 if size_h * size_w < 256 else np.int32
    return np.ascontiguousarray(places.transpose(0, 2, 3, 1), kind)


@pytest.mark.parametrize("case", CASES)
def test_max_forward_and_argmax(case, every_simd, rng):
    # Small integers: many ties, whose first must win.
    x = rng.integers(-4, 5, case[:4]).astype(np.float32)
    expected, expected_argmax = reference.maxpool_forward(x, *case[4:])
    source, y = Guarded(x), Guarded.empty(out_shape(case))
    expected_places = places_of(expected_argmax, case).ravel()
    assert expected_places.itemsize == lib.dk_maxpool_place_bytes(*case[4])
    places = np.full(expected.size + 2, 77, expected_places.dtype)
    pool("dk_maxpool_forward", source, y, case, places[1:-1])
    np.testing.assert_array_equal(y.nchw, expected.astype(np.float32))
    np.testing.assert_array_equal(places[1:-1], expected_places)
    assert places[0] == places[-1] == 77
    inference = Guarded.empty(out_shape(case), gap=0, offset=0)
    pool("dk_maxpool_forward", source, inference, case)
    np.testing.assert_array_equal(inference.nchw, y.nchw)
    np.testing.assert_array_equal(source.nchw, x)


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("case", CASES)
def test_max_backward(case, accumulate, every_simd, rng):
    x = rng.integers(-4, 5, case[:4]).astype(np.float32)
    y, argmax = reference.maxpool_forward(x, *case[4:])
    delta = rng.integers(-8, 9, y.shape).astype(np.float32)
    before = rng.integers(-8, 9, x.shape).astype(np.float32)
    expected = reference.maxpool_backward(delta, argmax, x.shape) + accumulate * before
    dx = Guarded(before) if accumulate else Guarded.empty(x.shape)
    pool("dk_maxpool_backward", dx, Guarded(delta), case, places_of(argmax, case), accumulate)
    np.testing.assert_array_equal(dx.nchw, expected)


def test_nan_and_infinity_are_never_chosen(every_simd):
    case = (1, 20, 4, 4, (2, 2), (2, 2), (0, 0))
    x = np.full(case[:4], np.nan, np.float32)
    x[:, :, 2:, 2:] = -np.inf
    x[:, :, 0, 1] = -3
    y, places = Guarded.empty(out_shape(case)), np.zeros((2, 2, 20), np.uint8)
    pool("dk_maxpool_forward", Guarded(x), y, case, places)
    lowest = -np.finfo(np.float32).max
    np.testing.assert_array_equal(y.nchw[0, 7], [[-3, lowest], [lowest, lowest]])
    np.testing.assert_array_equal(places[..., 7], [[1, 255], [255, 255]])


def close(got, expected, terms, scale):
    assert np.abs(got - expected).max() <= 4 * 2.0**-23 * np.sqrt(terms) * scale


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("case", CASES)
def test_local_mean(case, accumulate, every_simd, rng):
    x = rng.normal(size=case[:4]).astype(np.float32)
    expected = reference.local_avgpool_forward(x, *case[4:])
    y = Guarded.empty(out_shape(case))
    pool("dk_local_avgpool_forward", Guarded(x), y, case)
    terms = case[4][0] * case[4][1]
    close(y.nchw, expected, terms, 4)
    delta = rng.normal(size=expected.shape).astype(np.float32)
    before = rng.normal(size=x.shape).astype(np.float32)
    expected = reference.local_avgpool_backward(delta, x.shape, *case[4:]) + accumulate * before
    dx = Guarded(before) if accumulate else Guarded.empty(x.shape)
    pool("dk_local_avgpool_backward", dx, Guarded(delta), case, accumulate=accumulate)
    close(dx.nchw, expected, terms + 1, 4 * terms)


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("shape", [(2, 5, 7, 9), (1, 1, 1, 1), (3, 129, 7, 7), (1, 16, 20, 33)])
def test_global_mean(shape, accumulate, every_simd, rng):
    x = rng.normal(size=shape).astype(np.float32)
    case = (*shape, (1, 1), (1, 1), (0, 0))
    y = Guarded.empty((*shape[:2], 1, 1))
    pool("dk_avgpool_forward", Guarded(x), y, case)
    close(y.nchw, reference.avgpool_forward(x), shape[2] + shape[3], 1)
    delta, before = rng.normal(size=y.shape).astype(np.float32), x
    dx = Guarded(before) if accumulate else Guarded.empty(shape)
    pool("dk_avgpool_backward", dx, Guarded(delta), case, accumulate=accumulate)
    close(dx.nchw, reference.avgpool_backward(delta, shape) + accumulate * before, 2, 4)


def test_threads_change_no_bit(every_simd, same_bits, rng):
    case = (3, 37, 40, 41, (3, 3), (2, 2), (2, 2))
    x = Guarded(rng.normal(size=case[:4]))

    def run():
        y, dx = Guarded.empty(out_shape(case)), Guarded.empty(case[:4])
        mean, dx_mean = Guarded.empty((3, 37, 1, 1)), Guarded.empty(case[:4])
        places = np.empty(y.nchw.size, np.uint8)
        pool("dk_maxpool_forward", x, y, case, places)
        pool("dk_maxpool_backward", dx, y, case, places)
        pool("dk_avgpool_forward", x, mean, case)
        pool("dk_avgpool_backward", dx_mean, mean, case)
        averaged = Guarded.empty(out_shape(case))
        pool("dk_local_avgpool_forward", x, averaged, case)
        spread = Guarded.empty(case[:4])
        pool("dk_local_avgpool_backward", spread, averaged, case)
        tensors = (y, dx, mean, dx_mean, averaged, spread)
        return [places, *(t.nchw for t in tensors)]

    same_bits(run)


@pytest.mark.parametrize("field", ["size_h", "stride_w"])
def test_zero_sizes_are_refused(field):
    case = (1, 2, 4, 4, (2, 2), (2, 2), (0, 0))
    y = Guarded.empty(out_shape(case))
    fields = {"x": Guarded(np.zeros(case[:4])), "y": y, **window(case), field: 0}
    assert status("dk_maxpool_forward", "dk_pool", **fields) == lib.DK_BAD_SHAPE
    assert status("dk_local_avgpool_backward", "dk_pool", **fields) == lib.DK_BAD_SHAPE
    assert np.isnan(y.nchw).all()
