"""A recorded call changes the arrays that it says it writes, and no others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from graphs import GRAPHS, HEAD, TAIL, conv

from darkpy.config.sections import parse_cfg
from darkpy.engine.boundary import check, lib
from darkpy.engine.layout import from_nchw
from darkpy.network.network import Network
from darkpy.network.plan import Plan

MORE = {
    "local": "[local]\nfilters=3\nsize=3\npad=1\nactivation=leaky\n" + conv(),
    "crop": "[crop]\ncrop_height=4\ncrop_width=3\nflip=1\n" + conv(),
    "smaller": conv() + "[upsample]\nstride=2\n[upsample]\nstride=-2\n" + conv(),
    "unit length": conv() + "[l2norm]\n[normalization]\n" + conv(),
    "windows": conv() + "[local_avgpool]\nsize=2\nstride=1\n[reorg]\nflatten=1\n" + conv(),
    "alone": conv() + "[batchnorm]\n[activation]\nactivation=mish\n" + conv(),
}


@pytest.mark.parametrize("purpose", ["inference", "training", "training in little memory"])
@pytest.mark.parametrize("name", [*GRAPHS, *MORE])
def test_calls_write_what_they_say(name: str, purpose: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = Network(parse_cfg(HEAD + (GRAPHS | MORE)[name] + TAIL))
    training = purpose != "inference"
    plan = Plan(
        net.layers,
        net.input_shape,
        net.mini_batch,
        training=training,
        wanted=() if training else (net.answer.index,),
        memory="low" if "little" in purpose else "normal",
    )
    program = plan.program
    program.bind()
    plan.refresh()
    rng = np.random.default_rng(0)
    arena = program.arena
    assert arena is not None
    arena[:] = rng.normal(size=arena.size)
    shape = net.input_shape.array_shape(net.mini_batch)
    from_nchw(program, rng.random(shape, np.float32), plan.input)
    for call in program.calls:
        arrays = {k: v for k, v in call.fields.items() if isinstance(v, np.ndarray)}
        before, copies = arena.copy(), {k: v.copy() for k, v in arrays.items()}
        if call.prepare is not None:
            call.prepare(call.bound, 1)
        check(getattr(lib, call.function)(call.bound), call.function)
        changed = before.view(np.uint32) != arena.view(np.uint32)
        for buffer in call.written():
            changed[buffer.offset : buffer.offset + buffer.size] = False
        what = f"{call.function} of {net.layers[call.owner].label}"
        assert not changed.any(), what
        for field, array in arrays.items():
            if array.tobytes() != copies[field].tobytes():
                assert field in call.writes, f"{what} changes {field}"
