"""When filters are fetched from main memory: while earlier layers multiply.

One image's filters are read once and do not fit the caches beside everything else (GoogLeNet's,
Winograd's forms included, are 50 MB). A layer of few pixels would wait for them, while layers of
many pixels leave the memory idle. So every convolution fetches, between its products, a share of
what later ones will read: as late as possible, and never more than it can without slowing down.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from darkpy.kernels.program import Call
from darkpy.layers.base import Layer
from darkpy.layers.filters import FilterLayer

__all__ = ["fetch_ahead"]

#: What a convolution fetches at most, in bytes per multiply-add: a cache line in the time of 28
#: AVX-512 products, which about two cores' worth of main memory delivers.
BYTES_PER_PRODUCT = 64 / (28 * 16)

#: What may wait in the cache for its turn, in bytes.
WAITING = 6 << 20

#: Shorter filters are left to the processor.
LEAST = 16 << 10


def fetch_ahead(calls: Sequence[Call], layers: Sequence[Layer], batch: int) -> None:
    """Give each convolution of a recorded inference what it shall fetch for those after it.

    Parameters
    ----------
    calls : sequence of Call
        In order; the field ``prefetch`` of the convolutions is set.
    layers : sequence of Layer
    batch : int
        Images per run.
    """
    filters = [call for call in calls if call.function == "dk_convolution_forward"]
    streams = [_stream(call) for call in filters]
    begins = [0, *accumulate(stream.size for stream in streams)]
    capacity = [int(BYTES_PER_PRODUCT * batch * _products(call, layers)) for call in filters]
    # fetched[k]: how much of all filters must be there when call k ends
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
    weights = call.fields.get("winograd")
    if weights is None:
        weights = call.fields["weights"]
    return weights.reshape(-1).view(np.uint8) if weights.nbytes >= LEAST else np.empty(0, np.uint8)


def _products(call: Call, layers: Sequence[Layer]) -> int:
    """Multiply-adds during which a call can fetch, two of bf16 in the time of one.

    Winograd's fetches its own next filters.
    """
    layer = layers[call.owner]
    assert isinstance(layer, FilterLayer)
    if call.fields.get("winograd") is not None:
        return 0
    return layer.multiply_adds() // (2 if layer.is_bf16 else 1)
