"""The convolutions of the engine, called with arrays: guarded memory, a workspace full of NaN."""

from __future__ import annotations

import numpy as np
from guarded import GuardedTensor, GuardedVector, like, none_tensor

from darkpy.engine.boundary import lib, pointer, stretches, struct

__all__ = [
    "backward_data",
    "backward_weights",
    "forward",
    "pack",
    "unpack",
    "winograd_weights",
    "workspace_of",
]


def workspace_of(size):
    """(memory, pointer aligned to 64 bytes), full of NaN."""
    memory = np.full(size // 4 + 32, np.nan, np.float32)
    start = (-memory.ctypes.data % 64) // 4
    return memory, pointer(memory[start:]) if size else pointer(None)


def pack(case, weights):
    shape = struct("dk_conv_shape", case.fields())
    packed = GuardedVector(np.full(lib.dk_convolution_weights_size(shape), np.nan))
    plain = np.ascontiguousarray(weights, np.float32)
    assert lib.dk_convolution_pack(shape, pointer(plain), packed.pointer) == lib.DK_OK
    packed.check()
    return packed


def unpack(case, packed):
    shape = struct("dk_conv_shape", case.fields())
    plain = GuardedVector(np.full(case.weights_shape(), np.nan))
    assert lib.dk_convolution_unpack(shape, packed.pointer, plain.pointer) == lib.DK_OK
    plain.check()
    return plain.values


def winograd_weights(case, algorithm, weights):
    shape = struct("dk_conv_shape", case.fields())
    made = GuardedVector(np.full(lib.dk_convolution_winograd_size(shape, algorithm), np.nan))
    status = lib.dk_convolution_pack_winograd(shape, algorithm, weights.pointer, made.pointer)
    assert status == lib.DK_OK
    made.check()
    return made


def forward(
    case,
    x,
    weights,
    algorithm=0,
    activation=0,
    scale=None,
    shift=None,
    residual=None,
    prepared=False,
    prefetch=(),
    out=None,
):
    source, out = GuardedTensor(x, case.gap), like(case.y_shape()) if out is None else out
    added = None if residual is None else GuardedTensor(residual, 5)
    packed = pack(case, weights)
    fields = {
        "shape": case.fields(),
        "x": source.struct,
        "y": out.struct,
        "residual": none_tensor(case.y_shape()) if added is None else added.struct,
        "weights": packed.pointer,
        "scale": pointer(scale),
        "shift": pointer(shift),
        "activation": activation,
        "algorithm": algorithm,
    }
    made = winograd_weights(case, algorithm, packed) if prepared else None
    fields["winograd"] = made.pointer if made else pointer(None)
    fields["prefetch"], fields["prefetch_count"] = stretches(prefetch), len(prefetch)
    size = lib.dk_convolution_forward_workspace(struct("dk_convolution", fields))
    memory, space = workspace_of(size)
    args = struct("dk_convolution", {**fields, "workspace": space, "workspace_bytes": size})
    assert lib.dk_convolution_forward(args) == lib.DK_OK
    source.check()
    out.check()
    del memory
    return out.values


def backward_data(case, dy, weights, algorithm=0, start=None):
    delta = GuardedTensor(dy, case.gap)
    out = like(case.x_shape()) if start is None else GuardedTensor(start)
    packed = pack(case, weights)
    fields = {
        "shape": case.fields(),
        "dy": delta.struct,
        "dx": out.struct,
        "weights": packed.pointer,
        "accumulate": int(start is not None),
        "algorithm": algorithm,
    }
    name = "dk_convolution_backward_data"
    size = lib.dk_convolution_backward_data_workspace(struct(name, fields))
    memory, space = workspace_of(size)
    work = {"workspace": space, "workspace_bytes": size}
    status = lib.dk_convolution_backward_data(struct(name, {**fields, **work}))
    assert status == lib.DK_OK
    out.check()
    del memory
    return out.values


def backward_weights(case, x, dy, algorithm=0, start=None, before_run=lambda: None):
    source, delta = GuardedTensor(x, case.gap), GuardedTensor(dy, case.gap)
    updates = pack(case, np.zeros(case.weights_shape()) if start is None else start)
    fields = {
        "shape": case.fields(),
        "x": source.struct,
        "dy": delta.struct,
        "updates": updates.pointer,
        "algorithm": algorithm,
    }
    name = "dk_convolution_backward_weights"
    size = lib.dk_convolution_backward_weights_workspace(struct(name, fields))
    memory, space = workspace_of(size)
    work = {"workspace": space, "workspace_bytes": size}
    before_run()
    status = lib.dk_convolution_backward_weights(struct(name, {**fields, **work}))
    assert status == lib.DK_OK
    updates.check()
    del memory
    plain = unpack(case, updates)
    np.testing.assert_array_equal(pack(case, plain).values, updates.values)  # padding lanes stay 0
    return plain
