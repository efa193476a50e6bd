"""The locally connected layer: filters of its own for every place."""

from __future__ import annotations

import numpy as np
import pytest
from draw import integers
from engine_call import Guarded, call
from references import local as local_reference

# channels, height, width, filters, size, stride, pad, batch
LOCALS = [(3, 7, 6, 5, 3, 1, 1, 2), (2, 5, 5, 1, 2, 2, 0, 1), (70, 4, 4, 3, 3, 1, 0, 19)]


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("case", LOCALS)
def test_local(case, accumulate, every_simd, rng):
    channels, height, width, filters, size, stride, pad, batch = case
    x = integers(rng, (batch, channels, height, width))
    out = [(n + 2 * pad - size) // stride + 1 for n in (height, width)]
    weights = integers(rng, (out[0] * out[1], filters, channels * size * size))
    biases = integers(rng, (filters * out[0] * out[1],))
    geometry = {"size": size, "stride": stride, "pad": pad}
    y = Guarded.empty((batch, filters, *out))
    source = Guarded(x)
    fields = {"weights": weights, "biases": biases, **geometry}
    call("dk_local_forward", "dk_local", x=source, y=y, **fields)
    expected = local_reference.local_forward(x, weights, biases, size, stride, pad)
    np.testing.assert_array_equal(y.nchw, expected)

    delta, before = integers(rng, y.shape), integers(rng, x.shape)
    grads = local_reference.local_backward(delta, x, weights, size, stride, pad)
    dx = Guarded(before) if accumulate else Guarded.empty(x.shape)
    fields["accumulate"] = accumulate
    call("dk_local_backward_data", "dk_local", x=dx, y=Guarded(delta), **fields)
    np.testing.assert_array_equal(dx.nchw, grads[0] + accumulate * before)
    fields |= {"weights": np.ones_like(weights), "biases": np.ones_like(biases)}
    call("dk_local_backward_weights", "dk_local", x=source, y=Guarded(delta), **fields)
    np.testing.assert_array_equal(fields["weights"], grads[1] + 1)
    np.testing.assert_array_equal(fields["biases"], grads[2] + 1)


def test_threads_change_no_bit(every_simd, same_bits, rng):
    x = Guarded(rng.normal(size=(3, 30, 24, 24)))
    weights = rng.normal(size=(22 * 22, 4, 270)).astype(np.float32)

    def run():
        out, dx = Guarded.empty((3, 4, 22, 22)), Guarded.empty(x.shape)
        fields = {"weights": weights, "size": 3, "stride": 1, "pad": 0}
        call("dk_local_forward", "dk_local", x=x, y=out, **fields)
        call("dk_local_backward_data", "dk_local", x=dx, y=out, **fields)
        updates = np.zeros_like(weights)
        fields["weights"] = updates
        call("dk_local_backward_weights", "dk_local", x=x, y=out, **fields)
        return [out.nchw, dx.nchw, updates]

    same_bits(run)
