"""Prefetching: each convolution loads the filters of later ones into the cache while it multiplies.

For one image each filter is read once, and all filters together do not fit the caches (GoogLeNet's
are 50 MB, with Winograd's forms). A layer of few pixels would wait for its filters, while layers of
many pixels leave the memory idle. So every convolution fetches, between its products, a share of
the filters of later ones: as late as possible, and never so many that it slows down.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from darkpy.engine.program import Call
from darkpy.layers.base import Layer
from darkpy.layers.shared.filter_layer import FilterLayer

__all__ = ["prefetch"]

#: The most that a convolution fetches, in bytes per multiply-add: a cache line in the time of 28
#: AVX-512 products, which is about the speed of main memory for two cores.
BYTES_PER_PRODUCT = 64 / (28 * 16)

#: The most bytes that may wait in the cache until they are used.
WAITING = 6 << 20

#: Filters of fewer bytes are left to the processor's own prefetching.
LEAST = 16 << 10


def prefetch(calls: Sequence[Call], layers: Sequence[Layer], batch: int) -> None:
    """Tell each convolution of a recorded inference which filters to fetch for later ones.

    Parameters
    ----------
    calls : sequence of Call
        In order; the field ``prefetch`` of the convolutions is set.
    layers : sequence of Layer
    batch : int
        Images per run.
    """
    filters = [call for call in calls if call.streams]
    streams = [_stream(call) for call in filters]
    begins = [0, *accumulate(stream.size for stream in streams)]
    capacity = [int(BYTES_PER_PRODUCT * batch * _products(call, layers, batch)) for call in filters]
    # fetched[k]: how much of all filters must be in the cache when call k ends
    fetched = begins[1:]
    for k in range(len(filters) - 2, -1, -1):
        wanted = max(begins[k + 2], fetched[k + 1] - capacity[k + 1])
        fetched[k] = min(wanted, begins[k + 1] + WAITING)
    reached = begins[min(1, len(filters))]
    for k, call in enumerate(filters):
        start = max(reached, begins[k + 1])
        until = min(fetched[k], start + capacity[k])
        call.fields["prefetch"] = stretches = [
            stream[max(0, start - begin) : until - begin]
            for stream, begin in zip(streams[k + 1 :], begins[k + 1 :], strict=False)
            if start < begin + stream.size and begin < until and start < until
        ]
        call.fields["prefetch_count"] = len(stretches)
        reached = max(start, until)


def _stream(call: Call) -> npt.NDArray[np.uint8]:
    """The bytes of the filters that a call reads."""
    arrays = (call.fields.get(name) for name in call.streams)
    array = next(array for array in arrays if array is not None)
    return array.reshape(-1).view(np.uint8) if array.nbytes >= LEAST else np.empty(0, np.uint8)


def _products(call: Call, layers: Sequence[Layer], batch: int) -> int:
    """Return the multiply-adds during which a call can fetch; two in bf16 count as one.

    It is 0 for Winograd's algorithm, which prefetches its own filters.
    """
    layer = layers[call.owner]
    assert isinstance(layer, FilterLayer)
    if layer.chosen_algorithm(batch).startswith("winograd"):
        return 0
    return layer.multiply_adds() // (2 if layer.is_bf16 else 1)
