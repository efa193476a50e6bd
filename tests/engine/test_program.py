"""Programs: calls in order, and one arena in which buffers share memory while they can."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from darkpy.engine.layout import from_nchw, to_nchw
from darkpy.engine.program import Buffer, Program, Tensor
from darkpy.errors import KernelError

SIZE = 64


def tensor(pinned: bool = False) -> Tensor:
    return Tensor(Buffer(SIZE, pinned=pinned), 1, 4, 4, 4, 4)


def chain(length: int, pinned: bool = False) -> tuple[Program, list[Tensor]]:
    """Each tensor is twice the one before."""
    program, tensors = Program(), [tensor(pinned) for _ in range(length)]
    for x, y in pairwise(tensors):
        program.add("dk_copy", writes=("y",), x=x, y=y, factor=2.0, accumulate=0)
    return program, tensors


def test_calls_are_made_in_order(rng: np.random.Generator) -> None:
    program, tensors = chain(9)
    program.bind()
    x = rng.normal(size=(1, 4, 4, 4)).astype(np.float32)
    from_nchw(program, x, tensors[0])
    program.run()
    y = np.empty_like(x)
    to_nchw(program, tensors[-1], y)
    np.testing.assert_array_equal(y, 256 * x)


def test_buffers_share_memory_unless_they_are_alive_together() -> None:
    program, tensors = chain(9)
    program.bind()
    assert program.arena_size == 2 * SIZE
    for x, y in pairwise(tensors):
        assert x.buffer.offset != y.buffer.offset


def test_pinned_buffers_share_with_none() -> None:
    program, tensors = chain(5, pinned=True)
    program.bind()
    assert len({t.buffer.offset for t in tensors}) == 5
    assert program.arena_size == 5 * SIZE


def test_a_later_reader_keeps_a_buffer_alive() -> None:
    program, tensors = chain(4)
    program.add("dk_copy", writes=("y",), x=tensors[0], y=tensor(), factor=1.0, accumulate=0)
    program.bind()
    assert tensors[0].buffer.offset not in {t.buffer.offset for t in tensors[1:]}


def test_sizes_are_told_before_memory_is_taken() -> None:
    program, _ = chain(9)
    assert program.sizes() == (4 * 2 * SIZE, 0)
    assert program.arena is None
    program.bind()
    assert program.arena is not None and program.arena.size == 2 * SIZE


def test_what_changes_from_run_to_run_is_filled_in_before_each() -> None:
    x = tensor()
    program = Program()
    program.add(
        "dk_fill", writes=("y",), prepare=lambda args, step: setattr(args, "value", step), y=x
    )
    program.bind()
    y = np.empty((1, 4, 4, 4), np.float32)
    for step in (3, 5):
        program.run(step)
        to_nchw(program, x, y)
        assert (y == step).all()


def test_a_refused_call_names_function_and_layer() -> None:
    program, x = Program(), tensor()
    wide = Tensor(Buffer(2 * SIZE), 1, 4, 4, 8, 8)
    program.add("dk_copy", writes=("y",), owner=7, x=x, y=wide, factor=1.0, accumulate=0)
    program.bind()
    with pytest.raises(KernelError, match="dk_copy of layer 7: "):
        program.run()


def test_every_call_is_timed() -> None:
    program, _ = chain(3)
    program.bind()
    times = program.profile(repeat=2)
    assert [(owner, function) for owner, function, _ in times] == [(-1, "dk_copy")] * 2
    assert all(seconds > 0 for _, _, seconds in times)


def test_the_first_value_that_is_not_finite_is_found(rng: np.random.Generator) -> None:
    program, tensors = Program(), [tensor(pinned=True) for _ in range(3)]
    for owner, (x, y) in enumerate(pairwise(tensors)):
        program.add("dk_copy", writes=("y",), owner=owner, x=x, y=y, factor=3e38, accumulate=0)
    program.bind()
    from_nchw(program, np.zeros((1, 4, 4, 4), np.float32), tensors[0])
    assert program.first_not_finite() is None
    from_nchw(program, np.full((1, 4, 4, 4), 0.9, np.float32), tensors[0])
    found = program.first_not_finite()
    assert found is not None
    owner, values = found
    assert owner == 1 and np.isinf(values).all()
