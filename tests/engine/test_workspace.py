"""Calls of one C function together with its scratch memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from darkpy import kernels
from darkpy.engine.boundary import lib, pointer, struct
from darkpy.engine.core import ffi
from darkpy.engine.workspace import call_with_workspace
from darkpy.errors import KernelError

PARAMETERS = {"size": 5, "alpha": 0.1, "beta": 0.75, "kappa": 1.0}


def tensor(array: np.ndarray) -> dict[str, Any]:
    batch, channels, width = array.shape
    sizes = {"batch": batch, "height": 1, "width": width, "channels": channels}
    return {"data": pointer(array), **sizes, "stride": channels}


def test_the_function_gets_what_it_needs_aligned(rng: np.random.Generator) -> None:
    x, delta = rng.normal(size=(2, 2, 7, 11)).astype(np.float32)
    dx = np.empty_like(x)
    tensors = {name: tensor(a) for name, a in (("x", x), ("delta", delta), ("dx", dx))}
    args = struct("dk_lrn_backward", {**tensors, **PARAMETERS})
    assert lib.dk_lrn_backward_nchw_workspace(args) > 0
    call_with_workspace("dk_lrn_backward_nchw", args)
    assert int(ffi.cast("uintptr_t", args.workspace)) % 64 == 0
    np.testing.assert_array_equal(dx, kernels.lrn_backward(x, delta, **PARAMETERS))


def test_a_refusal_names_the_function() -> None:
    x = np.ones((1, 3, 4), np.float32)
    tensors = {name: tensor(x) for name in ("x", "delta", "dx")}
    args = struct("dk_lrn_backward", {**tensors, **PARAMETERS, "size": 0})
    with pytest.raises(KernelError, match="lrn_backward_nchw: "):
        call_with_workspace("dk_lrn_backward_nchw", args)
