"""Fixtures of the kernel tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from darkpy.engine import simd


@pytest.fixture(params=simd.available())
def every_simd(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs once with each instruction set of this machine."""
    before = simd.simd()
    simd.use(request.param)
    yield request.param
    simd.use(before)


@pytest.fixture
def threads() -> Iterator[object]:
    """A function that sets the number of threads; it is put back afterwards."""
    before = simd.get_num_threads()
    yield simd.set_num_threads
    simd.set_num_threads(before)


@pytest.fixture
def same_bits(threads):
    """Call it with a function that returns arrays: 1, 2 and 7 threads must give equal bits."""

    def check(run):
        results = []
        for count in (1, 2, 7):
            threads(count)
            results.append([array.tobytes() for array in run()])
        assert results[0] == results[1] == results[2]

    return check
