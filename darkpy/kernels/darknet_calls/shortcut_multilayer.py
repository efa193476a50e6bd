"""AlexeyAB's shortcut of several sources and embedding helpers: exact argument lists, in place.

Formulas, errors and sources: ``darkpy.kernels`` under the same names.
"""

from __future__ import annotations

from collections.abc import Sequence

from darkpy.engine.boundary import FloatArray, check, lib, no_overlap, pointer, size
from darkpy.errors import ShapeError
from darkpy.kernels.darknet_calls._arguments import memory
from darkpy.kernels.embedding import cosine_similarity as _cosine
from darkpy.kernels.embedding import math_vector_length as _length
from darkpy.kernels.shortcut_multilayer import (
    backward_shortcut_multilayer_cpu as _backward,
)
from darkpy.kernels.shortcut_multilayer import (
    shortcut_multilayer_cpu as _forward,
)

__all__ = [
    "backward_shortcut_multilayer_cpu",
    "cosine_similarity",
    "get_embedding",
    "math_vector_length",
    "shortcut_multilayer_cpu",
]


def _rows(name: str, array: FloatArray, batch: int, length: int, writable: bool) -> FloatArray:
    flat = memory(name, array, batch * length, writable=writable).reshape(-1)
    return flat[: batch * length].reshape(batch, length)


def _check(
    total: int, src_outputs: int, batch: int, n: int, lists: tuple[Sequence[object], ...]
) -> None:
    size("size", total)
    size("src_outputs", src_outputs)
    size("batch", batch)
    size("n", n, 0)
    if total != batch * src_outputs:
        raise ShapeError(f"size must be batch * src_outputs = {batch * src_outputs}, got {total}")
    if any(len(values) != n for values in lists):
        raise ShapeError(f"the lists of layers must have n = {n} entries")


def _weights(weights: FloatArray | None, nweights: int, n: int) -> FloatArray | None:
    if not size("nweights", nweights, 0) or weights is None:
        return None
    if nweights % (n + 1):
        raise ShapeError(f"nweights must be a multiple of n + 1 = {n + 1}, got {nweights}")
    return memory("weights", weights, nweights).reshape(-1)[:nweights].reshape(n + 1, -1)


def shortcut_multilayer_cpu(
    size: int,
    src_outputs: int,
    batch: int,
    n: int,
    outputs_of_layers: Sequence[int],
    layers_output: Sequence[FloatArray],
    out: FloatArray,
    x: FloatArray,
    weights: FloatArray | None,
    nweights: int,
    weights_normalization: str,
) -> None:
    """``out = w[0] * x + sum of w[1 + k] * layers_output[k]`` (x: AlexeyAB's `in`).

    weights: n + 1 rows of one weight or one per channel, or None; weights_normalization: "none",
    "relu" or "softmax".
    """
    _check(size, src_outputs, batch, n, (outputs_of_layers, layers_output))
    sources = [
        _rows(f"layers_output[{k}]", array, batch, length, False)
        for k, (array, length) in enumerate(zip(layers_output, outputs_of_layers, strict=True))
    ]
    _forward(
        _rows("x", x, batch, src_outputs, False),
        sources,
        _weights(weights, nweights, n),
        normalization=weights_normalization,
        out=_rows("out", out, batch, src_outputs, True),
    )


def backward_shortcut_multilayer_cpu(
    size: int,
    src_outputs: int,
    batch: int,
    n: int,
    outputs_of_layers: Sequence[int],
    layers_delta: Sequence[FloatArray],
    delta_out: FloatArray,
    delta_in: FloatArray,
    weights: FloatArray | None,
    weight_updates: FloatArray | None,
    nweights: int,
    x: FloatArray,
    layers_output: Sequence[FloatArray],
    weights_normalization: str,
) -> None:
    """Add ``w[0] * delta_in`` to delta_out, and likewise to layers_delta and weight_updates."""
    _check(size, src_outputs, batch, n, (outputs_of_layers, layers_delta, layers_output))
    rows = _weights(weights, nweights, n)
    updates = None
    if rows is not None:
        if weight_updates is None:
            raise ShapeError("weight_updates must be given with weights")
        updates = memory("weight_updates", weight_updates, nweights, writable=True)
        updates = updates.reshape(-1)[:nweights].reshape(rows.shape)
    lengths = list(enumerate(outputs_of_layers))
    _backward(
        _rows("delta_in", delta_in, batch, src_outputs, False),
        _rows("x", x, batch, src_outputs, False),
        [_rows(f"layers_output[{k}]", layers_output[k], batch, m, False) for k, m in lengths],
        rows,
        normalization=weights_normalization,
        out=_rows("delta_out", delta_out, batch, src_outputs, True),
        source_deltas=[
            _rows(f"layers_delta[{k}]", layers_delta[k], batch, m, True) for k, m in lengths
        ],
        weight_updates=updates,
    )


def get_embedding(
    src: FloatArray,
    src_w: int,
    src_h: int,
    src_c: int,
    embedding_size: int,
    cur_w: int,
    cur_h: int,
    cur_n: int,
    cur_b: int,
    dst: FloatArray,
) -> None:
    """Copy the embedding of anchor cur_n at (cur_h, cur_w) of image cur_b to dst."""
    plane = size("src_w", src_w) * size("src_h", src_h)
    size("embedding_size", embedding_size, 1, size("src_c", src_c))
    size("cur_w", cur_w, 0, src_w - 1)
    size("cur_h", cur_h, 0, src_h - 1)
    size("cur_n", cur_n, 0, src_c // embedding_size - 1)
    first = size("cur_b", cur_b, 0) * src_c * plane + cur_n * embedding_size * plane
    x = memory("src", src, (cur_b + 1) * src_c * plane).reshape(-1)[first + cur_h * src_w + cur_w :]
    out = memory("dst", dst, embedding_size, writable=True)
    no_overlap(dst=out, src=src)
    check(lib.dk_copy_cpu(embedding_size, pointer(x), plane, pointer(out), 1), "get_embedding")


def math_vector_length(A: FloatArray, feature_size: int) -> float:
    """Return the length of the first feature_size values."""
    return _length(memory("A", A, feature_size).reshape(-1)[: size("feature_size", feature_size)])


def cosine_similarity(A: FloatArray, B: FloatArray, feature_size: int) -> float:
    """Return the cosine of the angle between the first feature_size values of A and of B."""
    n = size("feature_size", feature_size)
    return _cosine(memory("A", A, n).reshape(-1)[:n], memory("B", B, n).reshape(-1)[:n])
