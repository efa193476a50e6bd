"""What training does not keep for the backward pass but makes again when that asks for it.

A layer with batch normalisation has two arrays of its output's size: what the filters gave, which
the backward of the normalisation reads, and its output, which the gradient of the next layer's
weights reads. The second one follows from the first in one pass over memory, so it is given up
after the forward pass; and so is every other sum of a chain of shortcuts. This takes 1 to 3 % of
the time of a step and up to half of its memory. The numbers are the same bits: the same calls make
them.

With ``memory="low"`` more is made again: maxima of what is made again, and what 1 x 1 filters give
where they have fewer inputs than outputs (ResNet-50: a tenth of the time).

Source: Chen, Xu, Zhang and Guestrin 2016, Training deep nets with sublinear memory cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from darkpy.errors import ArgumentError
from darkpy.kernels.program import Buffer, Call, Program, Tensor, Values, buffers_in

if TYPE_CHECKING:
    from darkpy.network.plan import Plan

__all__ = ["LEVELS", "Recomputation", "check_level"]

#: How much memory training takes: keep everything, what is said above, make more again.
LEVELS = ("high", "normal", "low")

_CONVOLUTION, _NORMALISATION = "dk_convolution_forward", "dk_batchnorm_forward"
_SHORTCUT, _ACTIVATION, _POOL = "dk_shortcut_forward", "dk_activate", "dk_maxpool_forward"
#: Calls that may be made again; see `_written` for what they write.
_REPEATABLE = (_CONVOLUTION, _NORMALISATION, _SHORTCUT, _ACTIVATION, _POOL)


def check_level(level: str) -> str:
    """Return a level, or refuse it.

    Raises
    ------
    ArgumentError
        It is none of `LEVELS`.
    """
    if level not in LEVELS:
        raise ArgumentError(f"memory must be one of {', '.join(LEVELS)}, got {level!r}")
    return level


class Recomputation:
    """Gives buffers up at the end of the forward pass and makes them again in the backward pass.

    Parameters
    ----------
    plan : Plan
        Its forward pass is recorded, nothing of the backward pass.
    level : str
        One of `LEVELS`.
    """

    def __init__(self, plan: Plan, level: str) -> None:
        self.program: Program = plan.program
        self.makers = _makers(plan.program.calls)
        self.given_up: set[Buffer] = set()
        self.remade: dict[Buffer, Buffer] = {}
        if level == "high":
            return
        for buffer, calls in self.makers.items():
            functions = {call.function for call in calls}
            if any(_is_sum(call) for call in calls):
                if self._is_sum_to_give_up(calls):
                    self.given_up.add(buffer)
            elif functions == {_NORMALISATION}:
                self.given_up.add(buffer)
            elif level == "low" and self._is_pool_to_give_up(calls):
                self.given_up.update(_written(calls[0]))
            elif level == "low" and functions == {_CONVOLUTION}:
                if all(_is_cheap(call.fields["shape"]) for call in calls):
                    self.given_up.add(buffer)

    def _is_sum_to_give_up(self, calls: list[Call]) -> bool:
        """Of a chain of sums every other one stays, so that making one again ends there."""
        if any(call.function != _ACTIVATION and not _is_sum(call) for call in calls):
            return False
        summands = [
            call.fields[name].buffer
            for call in calls
            if _is_sum(call)
            for name in ("x", "source", "residual")
            if name in call.fields
        ]
        return not any(self._is_given_up_sum(buffer) for buffer in summands)

    def _is_pool_to_give_up(self, calls: list[Call]) -> bool:
        """Maxima, and where they were, follow from an input that is made again anyway."""
        if len(calls) > 1 or calls[0].function != _POOL:
            return False
        written = _written(calls[0])
        alone = all(self.makers.get(buffer) == calls for buffer in written)
        return alone and calls[0].fields["x"].buffer in self.given_up

    def _is_given_up_sum(self, buffer: Buffer) -> bool:
        return buffer in self.given_up and any(map(_is_sum, self.makers[buffer]))

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a backward call with what was given up in its new place.

        Records the calls that make it again, where no earlier backward call did.
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
        if buffer not in self.given_up:
            return buffer
        if buffer not in self.remade:
            for call in self.makers[buffer]:
                for written in self.given_up.intersection(_written(call)):
                    self.remade.setdefault(written, Buffer(written.size))
            for call in self.makers[buffer]:
                self._repeat(call)
        return self.remade[buffer]

    def _repeat(self, call: Call) -> None:
        function, fields = call.function, self.fields(call.fields)
        if function == _NORMALISATION:  # with the statistics of this batch, which stay as they are
            function = "dk_batchnorm_apply"
            fields |= {"rolling_mean": fields["mean"], "rolling_variance": fields["variance"]}
            del fields["mean"], fields["variance"]
        self.program.add(
            function,
            call.struct,
            owner=call.owner,
            workspace=call.workspace,
            prepare=call.prepare,
            **fields,
        )


def _is_sum(call: Call) -> bool:
    """Whether it adds what an earlier layer gave."""
    return call.function == _SHORTCUT or "residual" in call.fields


def _is_cheap(shape: Mapping[str, int]) -> bool:
    """Whether few multiplications give many values."""
    sizes = (shape["size_h"], shape["size_w"], shape["groups"])
    return sizes == (1, 1, 1) and shape["channels"] < shape["filters"]


def _written(call: Call) -> list[Buffer]:
    """What a repeatable call writes that lives on."""
    places = call.fields.get("places")
    return [call.fields["y"].buffer, *([places] if isinstance(places, Buffer) else [])]


def _makers(calls: list[Call]) -> dict[Buffer, list[Call]]:
    """The calls that wrote a buffer, for those that only repeatable calls wrote."""
    makers: dict[Buffer, list[Call]] = {}
    others: set[Buffer] = set()
    for call in calls:
        if call.function in _REPEATABLE:
            for buffer in _written(call):
                makers.setdefault(buffer, []).append(call)
        else:
            written = {name: value for name, value in call.fields.items() if name != "x"}
            others.update(buffers_in(written))
    return {buffer: found for buffer, found in makers.items() if buffer not in others}
