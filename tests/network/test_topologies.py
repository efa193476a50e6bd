"""Layers read by several others: joined tensors, views of views, deltas that add up."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import GRAPHS, HEAD, TAIL
from network_pair import Pair

from darkpy.engine import simd


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name: str) -> None:
    pair = Pair(HEAD + GRAPHS[name] + TAIL)
    pair.compare_forward(3)
    for _ in range(3):
        pair.compare_step(1e-3)
    pair.compare_forward(1)


def trained(name: str, keep: bool) -> tuple[list[float], list[bytes]]:
    pair = Pair(HEAD + GRAPHS[name] + TAIL)
    losses = []
    for _ in range(3):
        losses.append(pair.net.train_step(pair.photos(2), pair.truth(), keep=keep))
    x = pair.photos(4)
    arrays = [p.value for layer in pair.net.layers for p in layer.parameters.values()]
    return losses, [array.tobytes() for array in (*arrays, pair.net.predict(x))]


@pytest.mark.parametrize("name", GRAPHS)
def test_looking_at_layers_changes_nothing(name: str) -> None:
    kept, plain = trained(name, True), trained(name, False)
    np.testing.assert_allclose(kept[0], plain[0], rtol=1e-5)
    for a, b in zip(kept[1], plain[1], strict=True):
        np.testing.assert_allclose(np.frombuffer(a, "f4"), np.frombuffer(b, "f4"), 1e-4, 1e-6)


@pytest.mark.parametrize("name", ["inception", "dense net", "yolov4 tiny block"])
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    before = simd.get_num_threads()
    try:
        results = []
        for count in (1, 2, 7):
            simd.set_num_threads(count)
            results.append(trained(name, False))
    finally:
        simd.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_what_nothing_reads_has_no_delta() -> None:
    pair = Pair(HEAD + GRAPHS["an unused branch"] + TAIL)
    pair.compare_step()
    assert not pair.net.layers[2].delta.any()
    assert pair.net.layers[0].delta.any()
