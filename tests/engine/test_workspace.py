"""Calls of one C function together with its scratch memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from darkpy import kernels
from darkpy.engine import workspace
from darkpy.engine.boundary import pointer
from darkpy.engine.core import ffi
from darkpy.engine.workspace import call_with_workspace
from darkpy.errors import KernelError

PARAMETERS = {"size": 5, "alpha": 0.1, "beta": 0.75, "kappa": 1.0}


def tensor(array: np.ndarray) -> dict[str, Any]:
    batch, channels, width = array.shape
    sizes = {"batch": batch, "height": 1, "width": width, "channels": channels}
    return {"data": pointer(array), **sizes, "stride": channels}


def test_the_function_gets_what_it_needs_aligned(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def look(args: Any, memory: np.ndarray, count: int) -> None:
        give(args, memory, count)
        given.append((int(ffi.cast("uintptr_t", args.workspace)), memory.nbytes - count, count))

    give = workspace.give_workspace
    monkeypatch.setattr(workspace, "give_workspace", look)
    x, delta = rng.normal(size=(2, 2, 7, 11)).astype(np.float32)
    dx = np.empty_like(x)
    tensors = {name: tensor(a) for name, a in (("x", x), ("delta", delta), ("dx", dx))}
    call_with_workspace("dk_lrn_backward_nchw", {**tensors, **PARAMETERS})
    ((address, spare, count),) = given
    assert address % 64 == 0 and spare >= 0 and count > 0
    np.testing.assert_array_equal(dx, kernels.lrn_backward(x, delta, **PARAMETERS))


def test_a_refusal_names_the_function() -> None:
    x = np.ones((1, 3, 4), np.float32)
    tensors = {name: tensor(x) for name in ("x", "delta", "dx")}
    with pytest.raises(KernelError, match="lrn_backward_nchw: "):
        call_with_workspace("dk_lrn_backward_nchw", {**tensors, **PARAMETERS, "size": 0})
