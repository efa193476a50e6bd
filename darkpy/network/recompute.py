"""Recomputation: tensors that training frees after the forward pass and computes again in backward.

A layer with batch normalisation has two arrays of its output's size: the filters' sums, which
the backward of the normalisation reads, and its output, which the gradient of the next layer's
weights reads. The second one follows from the first in one pass over memory, so it is freed after
the forward pass; and so is every other sum of a chain of shortcuts. This costs 1 to 3 % of the time
of a step and saves up to half of its memory. The bits are the same, because the same calls compute
the values.

With ``memory="low"`` more is computed again: maxima of recomputed values, and the output of 1 x 1
filters that have fewer inputs than outputs (ResNet-50: a tenth of the time).

Source: Chen, Xu, Zhang and Guestrin 2016, Training deep nets with sublinear memory cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from darkpy.engine.program import Buffer, Call, Program, Repeat, Tensor, Values, buffers_in

__all__ = ["Recomputation"]


class Recomputation:
    """Frees buffers at the end of the forward pass and computes them again in the backward pass.

    Parameters
    ----------
    program : Program
        The program; the forward pass is recorded in it, the backward pass is not yet.
    level : str
        One of `darkpy.network.model.MEMORY_LEVELS`.
    """

    def __init__(self, program: Program, level: str) -> None:
        self._program = program
        self._makers = _makers(program.calls)
        self._freed: set[Buffer] = set()
        self._remade: dict[Buffer, Buffer] = {}
        if level == "high":
            return
        for buffer, calls in self._makers.items():
            kinds = {_repeat(call) for call in calls}
            if Repeat.SUM in kinds:
                if kinds <= {Repeat.SUM, Repeat.ACTIVATION} and not self._adds_freed_sum(calls):
                    self._freed.add(buffer)
            elif kinds == {Repeat.PASS}:
                self._freed.add(buffer)
            elif level == "low" and kinds == {Repeat.MAXIMA}:
                if self._follows_from_freed(calls):
                    self._freed.update(_given(calls[0]))
            elif level == "low" and kinds == {Repeat.FILTERS}:
                self._freed.add(buffer)

    def _adds_freed_sum(self, calls: list[Call]) -> bool:
        """Whether a summand is a freed sum; then this one is kept, so that recomputation ends."""
        summands = [
            call.fields[name].buffer
            for call in calls
            if _repeat(call) == Repeat.SUM
            for name in ("x", "source", "residual")
            if name in call.fields
        ]
        return any(
            buffer in self._freed and Repeat.SUM in map(_repeat, self._makers[buffer])
            for buffer in summands
        )

    def _follows_from_freed(self, calls: list[Call]) -> bool:
        """Whether one call computes all maxima and places, from values that are recomputed."""
        if len(calls) > 1:
            return False
        alone = all(self._makers.get(buffer) == calls for buffer in _given(calls[0]))
        return alone and calls[0].fields["x"].buffer in self._freed

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a backward call, with new buffers in place of those that were freed.

        Records the calls that compute them again, unless an earlier backward call needed them, too.
        """
        return {name: self._value(value) for name, value in fields.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return value._replace(buffer=self._buffer(value.buffer))
        if isinstance(value, Values):
            return value._replace(tensor=self._value(value.tensor))
        if isinstance(value, Buffer):
            return self._buffer(value)
        return self.fields(value) if isinstance(value, Mapping) else value

    def _buffer(self, buffer: Buffer) -> Buffer:
        if buffer not in self._freed:
            return buffer
        if buffer not in self._remade:
            for call in self._makers[buffer]:
                for written in self._freed.intersection(_given(call)):
                    self._remade.setdefault(written, Buffer(written.size))
            for call in self._makers[buffer]:
                self._make_again(call)
        return self._remade[buffer]

    def _make_again(self, call: Call) -> None:
        again = call.again
        assert again is not None
        replaced = again.renamed.values()
        fields = {
            again.renamed.get(name, name): value
            for name, value in self.fields(call.fields).items()
            if name not in replaced
        }
        self._program.add(
            again.function or call.function,
            writes=again.gives,
            owner=call.owner,
            prepare=call.prepare,
            **fields,
        )


def _repeat(call: Call) -> str:
    assert call.again is not None
    return call.again.repeat


def _given(call: Call) -> list[Buffer]:
    """Return the buffers that a repeatable call writes when it is repeated."""
    names = call.again.gives if call.again is not None else ()
    return buffers_in({name: call.fields.get(name) for name in names})


def _makers(calls: list[Call]) -> dict[Buffer, list[Call]]:
    """Return buffer -> the calls that wrote it, for buffers that only repeatable calls wrote."""
    makers: dict[Buffer, list[Call]] = {}
    others: set[Buffer] = set()
    for call in calls:
        given = _given(call)
        for buffer in given:
            makers.setdefault(buffer, []).append(call)
        others.update(buffer for buffer in call.written() if buffer not in given)
    return {buffer: found for buffer, found in makers.items() if buffer not in others}
