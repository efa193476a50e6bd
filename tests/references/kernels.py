"""Darknet's CPU kernels, argument for argument, as functions: what C writes in place is returned.

Array arguments may have any shape; they are read flat, in C order, and never changed. Results are
new flat float64 arrays as long as the array that C would write. Where Darknet's kernel is plainly
broken (smooth_l1's sign, the loss of softmax_x_ent) the right one stands here. The kernels of
im2col.c, col2im.c and gemm.c stand in kernels_matrix.py and can be had from here.
"""

from __future__ import annotations

import numpy as np

from .activations import activate, gradient
from .kernels_matrix import col2im_cpu as col2im_cpu
from .kernels_matrix import col2im_cpu_ext as col2im_cpu_ext
from .kernels_matrix import gemm_cpu as gemm_cpu
from .kernels_matrix import im2col_cpu as im2col_cpu
from .kernels_matrix import im2col_cpu_ext as im2col_cpu_ext


def _flat(x):
    """A float64 copy, flat."""
    return np.array(x, np.float64).ravel()


def _three(x, batch, filters, spatial):
    return _flat(x)[: batch * filters * spatial].reshape(batch, filters, spatial)


def _at(n, increment):
    return np.arange(n) * increment


# blas.c: vectors


def const_cpu(n, alpha, x, incx):
    """x[i*incx] = alpha."""
    x = _flat(x)
    x[_at(n, incx)] = alpha
    return x


fill_cpu = const_cpu


def copy_cpu(n, x, incx, y, incy):
    """y = x."""
    x, y = _flat(x), _flat(y)
    y[_at(n, incy)] = x[_at(n, incx)]
    return y


def mul_cpu(n, x, incx, y, incy):
    """y *= x."""
    x, y = _flat(x), _flat(y)
    y[_at(n, incy)] *= x[_at(n, incx)]
    return y


def pow_cpu(n, alpha, x, incx, y, incy):
    """y = x ** alpha."""
    x, y = _flat(x), _flat(y)
    y[_at(n, incy)] = x[_at(n, incx)] ** alpha
    return y


def axpy_cpu(n, alpha, x, incx, y, incy):
    """y += alpha * x."""
    x, y = _flat(x), _flat(y)
    y[_at(n, incy)] += alpha * x[_at(n, incx)]
    return y


def scal_cpu(n, alpha, x, incx):
    """x *= alpha."""
    x = _flat(x)
    x[_at(n, incx)] *= alpha
    return x


def scal_add_cpu(n, alpha, beta, x, incx):
    """x = alpha * x + beta."""
    x = _flat(x)
    x[_at(n, incx)] = alpha * x[_at(n, incx)] + beta
    return x


def dot_cpu(n, x, incx, y, incy):
    """sum of x * y."""
    return float(np.sum(_flat(x)[_at(n, incx)] * _flat(y)[_at(n, incy)]))


def constrain_cpu(size, alpha, x):
    """x clamped to -alpha .. alpha."""
    x = _flat(x)
    x[:size] = np.clip(x[:size], -alpha, alpha)
    return x


def fix_nan_and_inf_cpu(x, size):
    """NaN and infinities become 0."""
    x = _flat(x)
    x[:size] = np.where(np.isfinite(x[:size]), x[:size], 0.0)
    return x


def mult_add_into_cpu(n, x, y, z):
    """z += x * y."""
    z = _flat(z)
    z[:n] += _flat(x)[:n] * _flat(y)[:n]
    return z


def weighted_sum_cpu(a, b, s, n, c=None):
    """c = s * a + (1 - s) * b; b may be None (0)."""
    s = _flat(s)[:n]
    b = np.zeros(n) if b is None else _flat(b)[:n]
    return s * _flat(a)[:n] + (1 - s) * b


def weighted_delta_cpu(a, b, s, da, db, ds, n, dc):
    """(da, db, ds) with da += dc*s, db += dc*(1-s), ds += dc*(a-b); da and db may be None."""
    a, b, s, dc = (_flat(v)[:n] for v in (a, b, s, dc))
    da = None if da is None else _flat(da)[:n] + dc * s
    db = None if db is None else _flat(db)[:n] + dc * (1 - s)
    return da, db, _flat(ds)[:n] + dc * (a - b)


def inter_cpu(nx, x, ny, y, batch, out=None):
    """out = per image, nx values of x and then ny of y."""
    x, y = _flat(x).reshape(batch, nx), _flat(y).reshape(batch, ny)
    return np.concatenate([x, y], axis=1).ravel()


def deinter_cpu(nx, x, ny, y, batch, out):
    """(x, y), each added to from its part of out; None where None came."""
    out = _flat(out).reshape(batch, nx + ny)
    x = None if x is None else _flat(x) + out[:, :nx].ravel()
    y = None if y is None else _flat(y) + out[:, nx:].ravel()
    return x, y


# blas.c: losses, each (delta, error)


def l2_cpu(n, pred, truth, delta=None, error=None):
    """delta = t - p, error = (t - p)^2."""
    diff = _flat(truth)[:n] - _flat(pred)[:n]
    return diff, diff * diff


def l1_cpu(n, pred, truth, delta=None, error=None):
    """delta = sign(t - p), -1 where equal; error = |t - p|."""
    diff = _flat(truth)[:n] - _flat(pred)[:n]
    return np.where(diff > 0, 1.0, -1.0), np.abs(diff)


def smooth_l1_cpu(n, pred, truth, delta=None, error=None):
    """e = t - p. Within 1: (e, e^2); else (sign e, 2|e| - 1)."""
    diff = _flat(truth)[:n] - _flat(pred)[:n]
    small = np.abs(diff) < 1
    delta = np.where(small, diff, np.sign(diff))
    return delta, np.where(small, diff * diff, 2 * np.abs(diff) - 1)


def softmax_x_ent_cpu(n, pred, truth, delta=None, error=None):
    """delta = t - p, error = -t log p (0 where t = 0)."""
    pred, truth = _flat(pred)[:n], _flat(truth)[:n]
    with np.errstate(divide="ignore"):
        error = -truth * np.log(np.where(truth != 0, pred, 1.0)) + 0.0
    return truth - pred, error


def logistic_x_ent_cpu(n, pred, truth, delta=None, error=None):
    """delta = t - p, error = -t log p - (1 - t) log(1 - p)."""
    pred, truth = _flat(pred)[:n], _flat(truth)[:n]
    return truth - pred, -truth * np.log(pred) - (1 - truth) * np.log(1 - pred)


# blas.c: maps


def reorg_cpu(x, w, h, c, batch, stride, forward, out=None):
    """Darknet's odd permutation, written as its loops are."""
    x = _flat(x)
    y = np.zeros_like(x)
    inner = c // (stride * stride)
    b, k, j, i = np.indices((batch, c, h, w))
    straight = i + w * (j + h * (k + c * b))
    offset = k // inner
    column, row = i * stride + offset % stride, j * stride + offset // stride
    blocked = column + w * stride * (row + h * stride * (k % inner + inner * b))
    if forward:
        y[blocked] = x[straight]
    else:
        y[straight] = x[blocked]
    return y


def flatten(x, size, layers, batch, forward):
    """[batch][layers][size] -> [batch][size][layers], or back."""
    shape = (batch, layers, size) if forward else (batch, size, layers)
    return _flat(x).reshape(shape).transpose(0, 2, 1).ravel()


def shortcut_cpu(batch, w1, h1, c1, add, w2, h2, c2, s1, s2, out):
    """out = s1 * out + s2 * add at the positions that both have."""
    stride, sample = max(1, w1 // w2), max(1, w2 // w1)
    add = _flat(add).reshape(batch, c1, h1, w1)
    y = _flat(out).reshape(batch, c2, h2, w2)
    for k in range(min(c1, c2)):
        for j in range(min(h1, h2)):
            for i in range(min(w1, w2)):
                target = (slice(None), k, j * sample, i * sample)
                y[target] = s1 * y[target] + s2 * add[:, k, j * stride, i * stride]
    return y.ravel()


def upsample_cpu(x, w, h, c, batch, stride, forward, scale, out):
    """Forward: out = scale * nearest(x). Backward: x += scale * sum of out's blocks."""
    if forward:
        small = _flat(x).reshape(batch, c, h, w)
        return scale * small.repeat(stride, 2).repeat(stride, 3).ravel()
    blocks = _flat(out).reshape(batch, c, h, stride, w, stride)
    return _flat(x) + scale * blocks.sum((3, 5)).ravel()


def softmax(x, n, temperature, stride, out=None):
    """Softmax of the n values x[0], x[stride], ...: those n values."""
    values = _flat(x)[_at(n, stride)]
    powers = np.exp((values - values.max()) / temperature)
    return powers / powers.sum()


def softmax_cpu(x, n, batch, batch_offset, groups, group_offset, stride, temperature, out):
    """`softmax` at every batch*batch_offset + group*group_offset; the rest of out stays."""
    x, y = _flat(x), _flat(out)
    for b in range(batch):
        for g in range(groups):
            start = b * batch_offset + g * group_offset
            y[start + _at(n, stride)] = softmax(x[start:], n, temperature, stride)
    return y


def l2normalize_cpu(x, dx, batch, filters, spatial):
    """(x / |x| over filters, (1 - that) / |x|)."""
    x = _three(x, batch, filters, spatial)
    length = np.sqrt((x * x).sum(1, keepdims=True))
    y = x / length
    return y.ravel(), ((1 - y) / length).ravel()


# blas.c and batchnorm_layer.c: batch normalisation


def mean_cpu(x, batch, filters, spatial, mean=None):
    """Mean per filter."""
    return _three(x, batch, filters, spatial).sum((0, 2)) / (batch * spatial)


def variance_cpu(x, mean, batch, filters, spatial, variance=None):
    """Sum of squares from the mean over (count - 1); 0 for a single value."""
    centred = _three(x, batch, filters, spatial) - _flat(mean)[:, None]
    return (centred**2).sum((0, 2)) / max(batch * spatial - 1, 1)


def normalize_cpu(x, mean, variance, batch, filters, spatial, form="pjreddie"):
    """(x - mean) / (sqrt(v) + 1e-6), or / sqrt(v + 1e-5) for another form."""
    variance = _flat(variance)
    root = np.sqrt(variance) + 1e-6 if form == "pjreddie" else np.sqrt(variance + 1e-5)
    x = _three(x, batch, filters, spatial)
    return ((x - _flat(mean)[:, None]) / root[:, None]).ravel()


def backward_scale_cpu(x_norm, delta, batch, n, size, scale_updates):
    """scale_updates += sum of delta * x_norm."""
    product = _three(delta, batch, n, size) * _three(x_norm, batch, n, size)
    return _flat(scale_updates) + product.sum((0, 2))


def mean_delta_cpu(delta, variance, batch, filters, spatial, mean_delta=None):
    """-sum(delta) / sqrt(v + 1e-5)."""
    return -_three(delta, batch, filters, spatial).sum((0, 2)) / np.sqrt(_flat(variance) + 1e-5)


def variance_delta_cpu(x, delta, mean, variance, batch, filters, spatial, variance_delta=None):
    """-1/2 (v + 1e-5)^(-3/2) * sum of delta * (x - mean)."""
    centred = _three(x, batch, filters, spatial) - _flat(mean)[:, None]
    total = (_three(delta, batch, filters, spatial) * centred).sum((0, 2))
    return -0.5 * (_flat(variance) + 1e-5) ** -1.5 * total


def normalize_delta_cpu(
    x, mean, variance, mean_delta, variance_delta, batch, filters, spatial, delta
):
    """delta/sqrt(v + 1e-5) + variance_delta*2(x - mean)/M + mean_delta/M, M = batch*spatial."""
    count = batch * spatial
    centred = _three(x, batch, filters, spatial) - _flat(mean)[:, None]
    scaled = _three(delta, batch, filters, spatial) / np.sqrt(_flat(variance) + 1e-5)[:, None]
    by_variance = _flat(variance_delta)[:, None] * 2 * centred / count
    return (scaled + by_variance + _flat(mean_delta)[:, None] / count).ravel()


# convolutional_layer.c


def add_bias(output, biases, batch, n, size):
    """output += bias of its filter."""
    return (_three(output, batch, n, size) + _flat(biases)[:, None]).ravel()


def scale_bias(output, scales, batch, n, size):
    """output *= scale of its filter."""
    return (_three(output, batch, n, size) * _flat(scales)[:, None]).ravel()


def backward_bias(bias_updates, delta, batch, n, size):
    """bias_updates += sum of delta."""
    return _flat(bias_updates) + _three(delta, batch, n, size).sum((0, 2))


def binarize_weights(weights, n, size, binary=None):
    """sign(w) * mean |w| of its filter; 0 counts as negative."""
    weights = _flat(weights).reshape(n, size)
    mean = np.abs(weights).mean(1, keepdims=True)
    return np.where(weights > 0, mean, -mean).ravel()


def binarize_cpu(x, n, binary=None):
    """1 where x > 0, else -1."""
    return np.where(_flat(x)[:n] > 0, 1.0, -1.0)


def binarize_input(x, n, size, binary=None):
    """sign(x) * mean |x| over the n values at the same position."""
    x = _flat(x).reshape(n, size)
    mean = np.abs(x).mean(0, keepdims=True)
    return np.where(x > 0, mean, -mean).ravel()


# activations.c


def activate_array(x, n, name):
    """x = f(x)."""
    x = _flat(x)
    x[:n] = activate(name, x[:n])
    return x


def gradient_array(kept, n, name, delta):
    """delta *= f', from the output (or the input, for the names that keep it)."""
    delta = _flat(delta)
    delta[:n] *= gradient(name, _flat(kept)[:n])
    return delta
