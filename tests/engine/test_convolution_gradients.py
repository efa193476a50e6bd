"""The gradients of convolution: every algorithm, instruction set and odd shape."""

from __future__ import annotations

import numpy as np
import pytest
from convolution_call import backward_data, backward_weights
from convolution_cases import (
    CASES,
    LARGE,
    close,
    data_reference,
    plain_algorithms,
    weights_reference,
    winograds,
)
from draw import integers, normal

from darkpy.engine.boundary import lib


@pytest.mark.parametrize("name", CASES)
def test_that_of_the_data_is_exact_on_integers(every_simd, rng, name):
    case = CASES[name]
    dy, weights = integers(rng, case.y_shape()), integers(rng, case.weights_shape())
    before = integers(rng, case.x_shape())
    dx = data_reference(case, dy, weights)
    for algorithm in plain_algorithms(case, lib.DK_CONV_BACKWARD_DATA):
        np.testing.assert_array_equal(backward_data(case, dy, weights, algorithm), dx)
        got = backward_data(case, dy, weights, algorithm, start=before)
        np.testing.assert_array_equal(got, dx + before)


@pytest.mark.parametrize("name", CASES)
def test_that_of_the_weights_is_exact_on_integers(every_simd, rng, name):
    case = CASES[name]
    x, dy = integers(rng, case.x_shape()), integers(rng, case.y_shape())
    start = integers(rng, case.weights_shape())
    updates = weights_reference(case, x, dy)
    for algorithm in plain_algorithms(case, lib.DK_CONV_BACKWARD_WEIGHTS):
        got = backward_weights(case, x, dy, algorithm, start=start)
        np.testing.assert_array_equal(got, updates + start)


@pytest.mark.parametrize("name", CASES)
def test_real_values_stay_within_the_bound(every_simd, rng, name):
    case = CASES[name]
    x, dy = normal(rng, *case.x_shape()), normal(rng, *case.y_shape())
    weights = normal(rng, *case.weights_shape())
    exact, limit = (data_reference(case, f(dy), f(weights)) for f in (np.asarray, np.abs))
    terms = max(1, case.terms() * case.filters / case.channels)
    for algorithm in plain_algorithms(case, lib.DK_CONV_BACKWARD_DATA):
        close(backward_data(case, dy, weights, algorithm), exact, terms, limit)
    exact, limit = (weights_reference(case, f(x), f(dy)) for f in (np.asarray, np.abs))
    pixels = case.batch * np.prod(case.out_plane())
    for algorithm in plain_algorithms(case, lib.DK_CONV_BACKWARD_WEIGHTS):
        close(backward_weights(case, x, dy, algorithm), exact, pixels, limit)


@pytest.mark.parametrize(
    ("name", "winograd"), [(name, a) for name, case in CASES.items() for a in winograds(case)]
)
def test_winograd_stays_close_on_the_scale_of_a_tile(every_simd, rng, name, winograd):
    """Transforms mix the values of a tile, so errors go with the largest sum|a*b| around."""
    case = CASES[name]
    x, dy, weights, before = (
        normal(rng, *shape)
        for shape in (case.x_shape(), case.y_shape(), case.weights_shape(), case.x_shape())
    )
    pixels = case.batch * np.prod(case.out_plane())
    limit = data_reference(case, abs(dy), abs(weights)).max()
    exact = data_reference(case, dy, weights)
    got = backward_data(case, dy, weights, winograd)
    close(got, exact, 36 * case.filters, limit)
    got = backward_data(case, dy, weights, winograd, start=before)
    close(got, exact + before, 36 * case.filters, limit + abs(before).max())
    got = backward_weights(case, x, dy, winograd, start=weights)
    limit = weights_reference(case, abs(x), abs(dy)).max() + abs(weights).max()
    close(got, weights_reference(case, x, dy) + weights, 16 * pixels, limit)


@pytest.mark.parametrize("name", LARGE)
def test_bits_do_not_depend_on_the_number_of_threads(every_simd, same_bits, rng, name):
    case = LARGE[name]
    x, dy = normal(rng, *case.x_shape()), normal(rng, *case.y_shape())
    weights = normal(rng, *case.weights_shape())

    def gradients(algorithm=lib.DK_CONV_AUTO):
        data = backward_data(case, dy, weights, algorithm)
        return [data, backward_weights(case, x, dy, algorithm)]

    same_bits(gradients)
    for got, want in zip(gradients(), gradients(lib.DK_CONV_IM2COL), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * abs(want).max())
