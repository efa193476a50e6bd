"""Convolution and both gradients: every algorithm, variant and odd shape against float64 loops."""

from __future__ import annotations

import numpy as np
import pytest
from convolution_cases import (
    CASES,
    algorithms,
    backward_data,
    backward_weights,
    close,
    data_reference,
    forward,
    forward_reference,
    integers,
    pack,
    picks_winograd,
    unpack,
    weights_reference,
    winograds,
)


@pytest.mark.parametrize("name", CASES)
def test_all_passes_are_exact_on_integers(every_simd, rng, name):
    case = CASES[name]
    x, dy = integers(rng, case.x_shape()), integers(rng, case.y_shape())
    weights, start = integers(rng, case.weights_shape()), integers(rng, case.weights_shape())
    before = integers(rng, case.x_shape())
    np.testing.assert_array_equal(unpack(case, pack(case, weights)), weights)
    y = forward_reference(case, x, weights)
    dx = data_reference(case, dy, weights)
    updates = weights_reference(case, x, dy)
    for algorithm in algorithms(case):
        if picks_winograd(case, algorithm):
            continue  # its transforms round
        np.testing.assert_array_equal(forward(case, x, weights, algorithm), y)
        np.testing.assert_array_equal(backward_data(case, dy, weights, algorithm), dx)
        got = backward_data(case, dy, weights, algorithm, start=before)
        np.testing.assert_array_equal(got, dx + before)
        got = backward_weights(case, x, dy, algorithm, start=start)
        np.testing.assert_array_equal(got, updates + start)


@pytest.mark.parametrize("name", CASES)
def test_real_values_stay_within_the_bound(every_simd, rng, name):
    case = CASES[name]
    x, dy, weights = (
        rng.standard_normal(s).astype(np.float32)
        for s in (case.x_shape(), case.y_shape(), case.weights_shape())
    )
    pixels = case.batch * np.prod(case.out_plane())
    for algorithm in algorithms(case):
        if picks_winograd(case, algorithm):
            continue
        got = forward(case, x, weights, algorithm)
        limit = forward_reference(case, abs(x), abs(weights))
        close(got, forward_reference(case, x, weights), case.terms(), limit)
        got = backward_data(case, dy, weights, algorithm)
        limit = data_reference(case, abs(dy), abs(weights))
        terms = case.terms() * case.filters / case.channels
        close(got, data_reference(case, dy, weights), max(1, terms), limit)
        got = backward_weights(case, x, dy, algorithm)
        limit = weights_reference(case, abs(x), abs(dy))
        close(got, weights_reference(case, x, dy), pixels, limit)


@pytest.mark.parametrize(
    ("name", "winograd"), [(name, a) for name, case in CASES.items() for a in winograds(case)]
)
def test_winograd_stays_close_on_the_scale_of_a_tile(every_simd, rng, name, winograd):
    """Transforms mix the values of a tile, so errors go with the largest sum|a*b| around."""
    case = CASES[name]
    x, dy, weights, before = (
        rng.standard_normal(s).astype(np.float32)
        for s in (case.x_shape(), case.y_shape(), case.weights_shape(), case.x_shape())
    )
    pixels = case.batch * np.prod(case.out_plane())
    for prepared in (False, True):
        got = forward(case, x, weights, winograd, prepared=prepared)
        limit = forward_reference(case, abs(x), abs(weights)).max()
        close(got, forward_reference(case, x, weights), 4 * case.terms(), limit)
    limit = data_reference(case, abs(dy), abs(weights)).max()
    exact = data_reference(case, dy, weights)
    got = backward_data(case, dy, weights, winograd)
    close(got, exact, 36 * case.filters, limit)
    got = backward_data(case, dy, weights, winograd, start=before)
    close(got, exact + before, 36 * case.filters, limit + abs(before).max())
    got = backward_weights(case, x, dy, winograd, start=weights)
    limit = weights_reference(case, abs(x), abs(dy)).max() + abs(weights).max()
    close(got, weights_reference(case, x, dy) + weights, 16 * pixels, limit)
