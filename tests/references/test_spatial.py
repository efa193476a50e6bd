"""Pooling, joining, permuting layers: examples by hand and derivatives by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from . import detection, pooling, reorg, routing
from .numeric import assert_is_gradient, spread

WINDOWS = [
    (2, 2, None),
    (2, 1, None),
    (3, 2, None),
    (3, 2, 0),
    (3, 1, 2),
    ((2, 3), (1, 2), (1, 2)),
    (2, 3, 2),
]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_maxpool(rng, window):
    x = spread(rng, (2, 2, 5, 6))
    y, argmax = pooling.maxpool_forward(x, *window)
    r = rng.standard_normal(y.shape)
    grad = pooling.maxpool_backward(r, argmax, x.shape)
    assert_is_gradient(lambda v: (r * pooling.maxpool_forward(v, *window)[0]).sum(), x, grad)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_local_avgpool(rng, window):
    x = rng.standard_normal((2, 2, 5, 6))
    r = rng.standard_normal(pooling.local_avgpool_forward(x, *window).shape)
    grad = pooling.local_avgpool_backward(r, x.shape, *window)
    assert_is_gradient(lambda v: (r * pooling.local_avgpool_forward(v, *window)).sum(), x, grad)


def test_windows_start_left_of_the_image_by_half_of_the_padding():
    x = np.arange(5.0).reshape(1, 1, 1, 5)
    assert pooling.maxpool_forward(x, (1, 3), (1, 2), (0, 2))[0].ravel().tolist() == [1, 3, 4]
    assert pooling.maxpool_forward(x, (1, 2), (1, 2), (0, 1))[0].ravel().tolist() == [1, 3, 4]
    assert pooling.maxpool_forward(x, (1, 2), (1, 1), (0, 1))[0].ravel().tolist() == [1, 2, 3, 4, 4]
    mean = pooling.local_avgpool_forward(x, (1, 3), (1, 2), (0, 2))
    assert mean.ravel().tolist() == [0.5, 2, 3.5]


def test_the_first_of_equal_maxima_wins():
    _, argmax = pooling.maxpool_forward(np.zeros((1, 1, 3, 3)), 2, 1, 0)
    assert argmax.ravel().tolist() == [0, 1, 3, 4]


def test_a_window_without_pixels():
    y, argmax = pooling.maxpool_forward(np.ones((1, 1, 1, 1)), 1, 1, 2)
    assert argmax.ravel().tolist() == [-1, -1, -1, -1, 0, -1, -1, -1, -1]
    assert y[0, 0, 0, 0] == pooling.LOWEST
    assert pooling.maxpool_backward(np.ones(y.shape), argmax, (1, 1, 1, 1)) == 1


def test_avgpool(rng):
    x, r = rng.standard_normal((2, 3, 2, 4)), rng.standard_normal((2, 3, 1, 1))
    grad = pooling.avgpool_backward(r, x.shape)
    assert_is_gradient(lambda v: (r * pooling.avgpool_forward(v)).sum(), x, grad)


@pytest.mark.parametrize("groups, group_id", [(1, 0), (2, 1)])
def test_route(rng, groups, group_id):
    xs = [rng.standard_normal((2, c, 2, 2)) for c in (2, 4)]
    y = routing.route_forward(xs, groups, group_id)
    r = rng.standard_normal(y.shape)
    grads = routing.route_backward(r, [x.shape for x in xs], groups, group_id)

    def loss(a, b):
        return (r * routing.route_forward([a, b], groups, group_id)).sum()

    assert_is_gradient(lambda v: loss(v, xs[1]), xs[0], grads[0])
    assert_is_gradient(lambda v: loss(xs[0], v), xs[1], grads[1])


@pytest.mark.parametrize(
    "previous, source",
    [((2, 3, 4, 4), (2, 3, 4, 4)), ((2, 2, 2, 3), (2, 3, 4, 6)), ((2, 3, 4, 6), (2, 2, 2, 3)),
     ((1, 2, 2, 2), (1, 1, 5, 5))],
)  # fmt: skip
def test_shortcut(rng, previous, source):
    p, s, r = (rng.standard_normal(shape) for shape in (previous, source, previous))
    grads = routing.shortcut_backward(r, previous, source, 0.7, 1.3)

    def loss(p, s):
        return (r * routing.shortcut_forward(p, s, 0.7, 1.3)).sum()

    assert_is_gradient(lambda v: loss(v, s), p, grads[0])
    assert_is_gradient(lambda v: loss(p, v), s, grads[1])


@pytest.mark.parametrize("stride", [1, 2, 3, -2, -3])
def test_upsample(rng, stride):
    x = rng.standard_normal((1, 2, 6, 6))
    r = rng.standard_normal(routing.upsample_forward(x, stride, 0.5).shape)
    grad = routing.upsample_backward(r, stride, 0.5)
    assert_is_gradient(lambda v: (r * routing.upsample_forward(v, stride, 0.5)).sum(), x, grad)


@pytest.mark.parametrize("place", [(None, None, False), (0, 2, True), (1, 1, False)])
@pytest.mark.parametrize("adjust", [True, False])
def test_crop(rng, place, adjust):
    x, r = rng.standard_normal((2, 2, 4, 5)), rng.standard_normal((2, 2, 3, 2))
    grad = routing.crop_backward(r, x.shape, *place, adjust)
    assert_is_gradient(lambda v: (r * routing.crop_forward(v, 3, 2, *place, adjust)).sum(), x, grad)


def test_dropout(rng):
    x, keep = np.arange(1.0, 7), np.array([True, False, True, True, False, True])
    assert routing.dropout_forward(x, keep, 0.5).tolist() == [2, 0, 6, 8, 0, 12]
    r = rng.standard_normal(6)
    grad = routing.dropout_backward(r, keep, 0.2)
    assert_is_gradient(lambda v: (r * routing.dropout_forward(v, keep, 0.2)).sum(), x, grad)


def test_products(rng):
    source, r = rng.standard_normal((2, 3, 2, 2)), rng.standard_normal((2, 3, 2, 2))
    for shape in [(2, 3, 2, 2), (2, 3, 1, 1), (2, 1, 2, 2)]:
        x = rng.standard_normal(shape)
        grads = routing.product_backward(r, x, source)
        assert_is_gradient(
            lambda v: (r * routing.scale_channels_forward(v, source)).sum(), x, grads[0]
        )
        assert_is_gradient(
            lambda v, x=x: (r * routing.scale_channels_forward(x, v)).sum(), source, grads[1]
        )
    x = rng.standard_normal(source.shape)
    assert (routing.sam_forward(x, source) == x * source).all()


def test_reorg_in_darknets_order():
    y = reorg.reorg_forward(np.arange(64.0).reshape(1, 4, 4, 4), 2)
    assert y.shape == (1, 16, 2, 2)
    assert y.ravel()[:4].tolist() == [0, 2, 4, 6]
    assert [y[0, c].ravel()[:4].tolist() for c in (4, 8)] == [[1, 3, 5, 7], [8, 10, 12, 14]]


def test_reorg3d_is_space_to_depth():
    x = np.arange(32.0).reshape(1, 2, 4, 4)
    y = reorg.reorg3d_forward(x, 2)
    for o, k, j, i in np.ndindex(4, 2, 2, 2):
        assert y[0, o * 2 + k, j, i] == x[0, k, 2 * j + o // 2, 2 * i + o % 2]


@pytest.mark.parametrize("reverse", [False, True])
def test_permutations_go_back(rng, reverse):
    x = rng.standard_normal((2, 8, 4, 6))
    y = reorg.reorg_forward(x, 2, reverse)
    assert (reorg.reorg_backward(y, x.shape, 2, reverse) == x).all()
    assert (reorg.reorg3d_backward(reorg.reorg3d_forward(x, 2, reverse), 2, reverse) == x).all()
    assert (reorg.flatten_backward(reorg.flatten_forward(x, reverse), reverse) == x).all()
    extra = reorg.extra_forward(x, 3)
    assert extra.shape == (2, 8 * 4 * 6 + 3)
    assert (extra[:, -3:] == 0).all()
    assert (reorg.extra_backward(extra + 1, x.shape) == x + 1).all()


def test_region_softmax_and_background(rng):
    x = rng.standard_normal((2, 2 * 8, 3, 3))
    y = detection.region_forward(x, 2, 3, softmax=True).reshape(2, 2, 8, 3, 3)
    np.testing.assert_allclose(y[:, :, 5:].sum(2), 1)
    assert (y[:, :, 2:4] == x.reshape(y.shape)[:, :, 2:4]).all()
    y = detection.region_forward(x, 2, 3, softmax=True, background=True).reshape(2, 2, 8, 3, 3)
    np.testing.assert_allclose(y[:, :, 4:].sum(2), 1)
    y = detection.region_forward(x, 2, 3, tree=(1, 2)).reshape(2, 2, 8, 3, 3)
    np.testing.assert_allclose(y[:, :, 5], 1)
    np.testing.assert_allclose(y[:, :, 6:].sum(2), 1)


def test_region_of_the_fork_lies_cell_by_cell(rng):
    x = rng.standard_normal((2, 2 * 8, 3, 3))
    y = detection.region_forward_alexeyab(x, 2, 3, softmax=True).reshape(2, 9, 2, 8)
    np.testing.assert_allclose(y[..., 5:].sum(-1), 1)
    raw = x.reshape(2, 2, 8, 9).transpose(0, 3, 1, 2)
    assert (y[..., :4] == raw[..., :4]).all()
    np.testing.assert_allclose(y[..., 4], 1 / (1 + np.exp(-raw[..., 4])))
