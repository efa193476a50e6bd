"""AlexeyAB's shortcut of several sources and his embedding helpers, value by value, in float64."""

from __future__ import annotations

import numpy as np


def normalised(weights, normalization):
    """Weights [source][k] divided over the sources."""
    w = np.array(weights, np.float64)
    if normalization == "relu":
        w = np.maximum(w, 0)
        return w / (w.sum(axis=0) + 1e-4)
    if normalization == "softmax":
        w = np.exp(w - w.max(axis=0))
        return w / (w.sum(axis=0) + 1e-4)
    return w


def shortcut_multilayer_cpu(x, sources, weights, normalization="none"):
    """out[b][i] = w[0][i/step] x[b][i] + sum of w[1+k][i/step] sources[k][b][i] where it exists."""
    x = np.array(x, np.float64)
    rows = x.reshape(len(x), -1)
    if weights is None:
        w = np.ones((len(sources) + 1, 1))
    else:
        w = normalised(weights, normalization)
    step = rows.shape[1] // w.shape[1]
    out = np.zeros_like(rows)
    for k, source in enumerate([x, *sources]):
        flat = np.array(source, np.float64).reshape(len(x), -1)
        for b, i in np.ndindex(rows.shape):
            if i < flat.shape[1]:
                out[b, i] += w[k, i // step] * flat[b, i]
    return out.reshape(x.shape)


def backward_shortcut_multilayer_cpu(delta, x, sources, weights, normalization="none"):
    """The deltas of x and of each source and the updates of the weights, all starting from 0."""
    rows = np.array(delta, np.float64).reshape(len(x), -1)
    if weights is None:
        w = np.ones((len(sources) + 1, 1))
    else:
        w = normalised(weights, normalization)
    step = rows.shape[1] // w.shape[1]
    deltas, updates = [], np.zeros_like(w)
    for k, source in enumerate([x, *sources]):
        flat = np.array(source, np.float64).reshape(len(x), -1)
        back = np.zeros_like(flat)
        for b, i in np.ndindex(rows.shape):
            if i < flat.shape[1]:
                back[b, i] = w[k, i // step] * rows[b, i]
                updates[k, i // step] += rows[b, i] * flat[b, i]
        deltas.append(back.reshape(np.shape(source)))
    return deltas[0], deltas[1:], None if weights is None else updates


def get_embedding(src, src_w, src_h, src_c, embedding_size, cur_w, cur_h, cur_n, cur_b):
    """The values of one anchor's embedding at one position."""
    flat = np.array(src, np.float64).ravel()
    plane = src_w * src_h
    first = cur_b * src_c * plane + cur_n * embedding_size * plane + cur_h * src_w + cur_w
    return flat[[first + i * plane for i in range(embedding_size)]]


def cosine_similarity(a, b):
    """Cosine of the angle between two vectors."""
    a, b = np.array(a, np.float64).ravel(), np.array(b, np.float64).ravel()
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
