"""Arrays that begin with a cache line."""

from __future__ import annotations

from darkpy.engine.aligned import ALIGNMENT, aligned, neighbours


def test_arrays_begin_with_a_cache_line() -> None:
    assert aligned(5).shape == (5,)
    sizes = [1, 16, 0, 17, 1000]
    arrays = neighbours(sizes)
    assert [array.size for array in arrays] == sizes
    assert all(array.ctypes.data % (4 * ALIGNMENT) == 0 for array in arrays)
    for k, array in enumerate(arrays):
        array[...] = k
    assert [set(array.tolist()) for array in arrays] == [{0}, {1}, set(), {3}, {4}]
    assert neighbours([]) == []
