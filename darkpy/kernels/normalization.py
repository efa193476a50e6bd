"""Local response normalisation and l2 normalisation, over the channels of each position.

Other programs' names for the parameters of LRN (`size` is n):

================= ================ ======================= ============== ===============
framework         size             alpha                   beta           kappa
================= ================ ======================= ============== ===============
AlexNet's paper   n                alpha                   beta           k
TensorFlow        2 depth_radius+1 alpha                   beta           bias
Caffe, PyTorch    size             alpha / size            beta           k
================= ================ ======================= ============== ===============

(PyTorch's window of an even size reaches one channel further down instead of up.)
"""

from __future__ import annotations

from typing import Any

from darkpy.engine.boundary import (
    FloatArray,
    check,
    float_array,
    lib,
    no_overlap,
    no_partial_overlap,
    null,
    output_array,
    pointer,
    real,
    size,
    struct,
)
from darkpy.engine.workspace import call_with_workspace
from darkpy.kernels.per_filter import filter_array, plane_tensor

__all__ = ["l2normalize_cpu", "lrn_backward", "lrn_forward"]


def lrn_forward(
    x: FloatArray,
    *,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    kappa: float = 1.0,
    norms: FloatArray | None = None,
    out: FloatArray | None = None,
) -> FloatArray:
    """Local response normalisation: ``out_k = x_k * norm_k**-beta``.

    ``norm_k = kappa + alpha * sum of x_j**2``, j from ``k - (size-1)//2`` to ``k + size//2`` where
    those channels exist.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, channels, ...)
    size : int
        Channels of the window, >= 1.
    alpha, beta, kappa : float
        Darknet's defaults.
    norms : ndarray of float32, shape of x, optional
        Overwritten with the norms.
    out : ndarray of float32, shape of x, optional
        Overwritten; must not share memory with `x`.

    Returns
    -------
    ndarray of float32, shape of x

    Notes
    -----
    Error: size + 4 units in the last place for beta = .75, else size + 2 + 2 beta ln(norm).
    Threads: split over images and positions.
    Source: Krizhevsky et al. (2012); Darknet `normalization_layer.c`, whose window misses one
    channel.
    """
    parameters = _parameters(size, alpha, beta)
    x, layout = filter_array("x", x)
    result = output_array("out", out, x.shape)
    kept = None if norms is None else float_array("norms", norms, x.shape, writable=True)
    no_overlap(out=result, x=x, norms=kept)
    no_overlap(norms=kept, x=x)
    if x.size:
        _forward(x, result, kept, layout, {**parameters, "kappa": real("kappa", kappa)})
    return result


def _parameters(window: object, alpha: float, beta: float) -> dict[str, Any]:
    checked = size("size", window, 1, 1 << 31)
    return {"size": checked, "alpha": real("alpha", alpha), "beta": real("beta", beta)}


def _forward(
    x: FloatArray,
    y: FloatArray,
    norms: FloatArray | None,
    layout: tuple[int, int, int],
    parameters: dict[str, Any],
) -> None:
    tensors = {"x": plane_tensor(x, layout), "y": plane_tensor(y, layout)}
    kept = null if norms is None else pointer(norms)
    args = struct("dk_lrn_forward", {**tensors, **parameters, "norms": kept})
    check(lib.dk_lrn_forward_nchw(args), "lrn_forward")


def lrn_backward(
    x: FloatArray,
    delta: FloatArray,
    *,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    kappa: float = 1.0,
    out: FloatArray | None = None,
) -> FloatArray:
    """Backward of `lrn_forward`, the whole derivative.

    ``out_i = delta_i norm_i**-beta - 2 alpha beta x_i * sum of delta_j y_j / norm_j`` over the j
    whose window holds i.

    Parameters
    ----------
    x, delta : ndarray of float32, shape (batch, channels, ...)
        The forward's input, and the delta of its output.
    size, alpha, beta, kappa
        As in the forward.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `delta` itself (in place).

    Returns
    -------
    ndarray of float32, shape of x

    Notes
    -----
    y and norm are computed again from x, in scratch memory of the size of x.
    Error: size + 12 units in the last place of the largest term.  Linear in delta, so
    that gradients of either sign can be passed.
    Source: the derivative; Darknet `normalization_layer.c` keeps its first term only.
    """
    parameters = _parameters(size, alpha, beta)
    x, layout = filter_array("x", x)
    delta = float_array("delta", delta, x.shape)
    result = output_array("out", out, x.shape)
    no_partial_overlap(out=result, delta=delta)
    no_overlap(out=result, x=x)
    if x.size:
        arrays = {"x": x, "delta": delta, "dx": result}
        tensors = {name: plane_tensor(array, layout) for name, array in arrays.items()}
        fields = {**tensors, **parameters, "kappa": real("kappa", kappa)}
        call_with_workspace("dk_lrn_backward_nchw", fields)
    return result


def l2normalize_cpu(
    x: FloatArray, *, dx: FloatArray | None = None, out: FloatArray | None = None
) -> FloatArray:
    """Divide by the length: ``out = x / |x|``, ``|x|`` over the channels at each position.

    Parameters
    ----------
    x : ndarray of float32, shape (batch, channels, ...)
    dx : ndarray of float32, shape of x, optional
        Overwritten with Darknet's ``(1 - out) / |x|``, which is not the derivative.
    out : ndarray of float32, shape of x, optional
        Overwritten; may be `x` itself (in place), as in Darknet.

    Returns
    -------
    ndarray of float32, shape of x
        0 where all channels are 0 (Darknet: NaN); so is `dx`.

    Notes
    -----
    Error: (4 + log2(channels)) units in the last place.  Threads: split over images and positions.
    Source: Darknet `blas.c` l2normalize_cpu.
    """
    x, layout = filter_array("x", x)
    result = output_array("out", out, x.shape)
    kept = None if dx is None else float_array("dx", dx, x.shape, writable=True)
    no_partial_overlap(out=result, x=x)
    no_overlap(dx=kept, x=x, out=result)
    if x.size:
        arrays = pointer(x), pointer(result), pointer(kept)
        check(lib.dk_l2normalize(*arrays, *layout), "l2normalize_cpu")
    return result
