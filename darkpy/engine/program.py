"""A program: a flat list of calls into the C core whose memory is placed once.

A program is recorded, bound, then run.  `Program.add` records calls whose arguments are tensors
without memory. `bind` gives every buffer a place in one arena and fills the C structs. Buffers
share memory if their lifetimes (from the first to the last call that names them) do not overlap.
`run` makes the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final, Literal, NamedTuple, NoReturn

import numpy as np

from darkpy.engine import boundary
from darkpy.engine.aligned import ALIGNMENT, aligned
from darkpy.engine.boundary import FloatArray, lib
from darkpy.errors import KernelError

__all__ = ["Again", "Buffer", "Call", "Program", "Repeat", "Tensor", "Values", "buffers_in"]


class Buffer:
    """A stretch of `size` floats or 32-bit integers in the arena; always alive if `pinned`."""

    __slots__ = ("first", "last", "offset", "pinned", "size")

    def __init__(self, size: int, *, pinned: bool = False) -> None:
        self.size = size
        self.pinned = pinned
        self.offset = -1
        self.first = -1
        self.last = -1


class Tensor(NamedTuple):
    """A batch of channels-last images inside a buffer, perhaps some channels of a wider tensor.

    Pixel p begins at ``offset + p * stride`` in the buffer and has `channels` values.
    """

    buffer: Buffer
    batch: int
    height: int
    width: int
    channels: int
    stride: int
    offset: int = 0

    @property
    def pixels(self) -> int:
        """Pixels in the whole batch."""
        return self.batch * self.height * self.width

    @property
    def is_dense(self) -> bool:
        """Whether nothing lies between the pixels."""
        return self.stride == self.channels

    def channel_slice(self, first: int, count: int) -> Tensor:
        """Return the channels first .. first+count-1, as a view."""
        return Tensor(
            self.buffer,
            self.batch,
            self.height,
            self.width,
            count,
            self.stride,
            self.offset + first,
        )


class Values(NamedTuple):
    """A plain pointer to a tensor's first value, for struct fields of type ``float *``."""

    tensor: Tensor
    shift: int = 0


class Repeat:
    """Which calls can be repeated for the same result, by what the repetition costs and needs."""

    #: One pass over memory.
    PASS: Final = "pass"
    #: One pass that adds an earlier output, which may itself have to be computed again.
    SUM: Final = "sum"
    #: One pass, in place, after a sum.
    ACTIVATION: Final = "activation"
    #: Maxima: their input must have been kept, or be computed again anyway.
    MAXIMA: Final = "maxima"
    #: Few multiplications for each value that is written.
    FILTERS: Final = "filters"


class Again(NamedTuple):
    """How a recorded call is repeated.

    Attributes
    ----------
    repeat : str
        One of `Repeat`.
    gives : tuple of str
        The fields that the second call writes.
    function : str
        The C function to call then; empty for the same one.
    renamed : mapping
        Fields that have another name in that function: old -> new.
    """

    repeat: Literal["pass", "sum", "activation", "maxima", "filters"]
    gives: tuple[str, ...] = ("y",)
    function: str = ""
    renamed: Mapping[str, str] = {}


class Call:
    """One recorded call ``function(struct *)``.

    Attributes
    ----------
    function : str
        Its name in the C core; struct and scratch memory follow from it.
    fields : dict
        The struct's fields; see `Program.add`.
    owner : int
        Index of the layer that recorded the call, for reports.
    writes : tuple of str
        The fields whose arrays the call changes.
    again : Again or None
        How it can be repeated for the same result; None if it cannot, or if that costs too much.
    streams : tuple of str
        The fields, best first, whose array is read once and comes from main memory.
    prepare : callable or None
        Fills in the fields that change from run to run.
    """

    __slots__ = ("again", "bound", "fields", "function", "owner", "prepare", "streams", "writes")

    def __init__(
        self,
        function: str,
        fields: dict[str, Any],
        owner: int,
        writes: tuple[str, ...],
        again: Again | None,
        streams: tuple[str, ...],
        prepare: Callable[[Any, int], None] | None,
    ) -> None:
        self.function = function
        self.fields = fields
        self.owner = owner
        self.writes = writes
        self.again = again
        self.streams = streams
        self.prepare = prepare
        self.bound: Any = None

    def written(self) -> list[Buffer]:
        """The buffers that the call changes."""
        return buffers_in({name: self.fields.get(name) for name in self.writes})


def buffers_in(value: object) -> list[Buffer]:
    """The buffers that a struct's field names."""
    if isinstance(value, Tensor):
        return [value.buffer]
    if isinstance(value, Values):
        return [value.tensor.buffer]
    if isinstance(value, Buffer):
        return [value]
    if isinstance(value, dict):
        return [b for inner in value.values() for b in buffers_in(inner)]
    return []


class Program:
    """Calls in order, and the arena that their tensors live in."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.arena: FloatArray | None = None
        self.arena_size = 0
        self._buffers: list[Buffer] = []
        self._keep_alive: list[Any] = []
        self._list: Any = None
        self._prepared: list[tuple[Callable[[Any, int], None], Any]] = []

    def add(
        self,
        function: str,
        *,
        writes: tuple[str, ...],
        owner: int = -1,
        again: Again | None = None,
        streams: tuple[str, ...] = (),
        prepare: Callable[[Any, int], None] | None = None,
        **fields: Any,
    ) -> None:
        """Record ``function(&struct)``.

        Parameters
        ----------
        function : str
            Name of a C function whose argument is a pointer to a struct.
        writes : tuple of str
            The fields whose arrays it changes.
        owner : int
            Index of the layer that records the call.
        again : Again, optional
            How it can be repeated for the same result.
        streams : tuple of str
            The fields, best first, whose array is read once and comes from main memory: what
            earlier calls may prefetch.
        prepare : callable, optional
            Called before each run with the struct and the step number, to fill in the fields that
            change from run to run.
        **fields
            Struct fields: Tensor, Values, Buffer, ndarray (pointer to its first value; kept alive),
            list of ndarrays of bytes (array of stretches), dict (nested struct), number, or None
            (NULL).
        """
        self.calls.append(Call(function, fields, owner, writes, again, streams, prepare))
        self.touch(*buffers_in(fields))

    def touch(self, *buffers: Buffer) -> None:
        """Extend the buffers' lifetimes to the last recorded call."""
        now = max(0, len(self.calls) - 1)
        for buffer in buffers:
            if buffer.first < 0:
                buffer.first = now
                self._buffers.append(buffer)
            buffer.last = now

    def sizes(self) -> tuple[int, int]:
        """Bytes of the arena and of the scratch memory that `bind` allocates; allocates nothing."""
        self._place_all()
        needs = (boundary.workspace_bytes(c.function, self._arguments(c)) for c in self.calls)
        return 4 * self.arena_size, max((need or 0 for need in needs), default=0)

    def _place_all(self) -> None:
        if not self.arena_size:
            self.arena_size = _place(self._buffers, len(self.calls))

    def bind(self) -> None:
        """Place all buffers and fill the C structs; nothing may be added afterwards."""
        self._place_all()
        self.arena = aligned(self.arena_size)
        needs = []
        for call in self.calls:
            call.bound = self._arguments(call)
            needs.append(boundary.workspace_bytes(call.function, call.bound))
        if scratch := max((need or 0 for need in needs), default=0):
            memory = aligned(-(-scratch // 4))
            self._keep_alive.append(memory)
            for call, need in zip(self.calls, needs, strict=True):
                if need is not None:
                    boundary.give_workspace(call.bound, memory, scratch)
        self._list = boundary.call_list([(call.function, call.bound) for call in self.calls])
        self._prepared = [(c.prepare, c.bound) for c in self.calls if c.prepare is not None]

    def run(self, step: int = 0) -> None:
        """Make all calls in order; each call's `prepare` receives `step`."""
        for prepare, bound in self._prepared:
            prepare(bound, step)
        done = lib.dk_make_calls(self._list, len(self.calls))
        if done < len(self.calls):
            self._fail(self.calls[done])

    def profile(self, repeat: int = 1, step: int = 0) -> list[tuple[int, str, float]]:
        """Run as `run` does, `repeat` times, and time every call.

        Returns
        -------
        list of (owner, function, seconds)
            In the order of the calls: the shortest time of each, including about a microsecond for
            the call from Python.
        """
        times = np.full((repeat, len(self.calls)), np.inf)
        steps = [(call, getattr(lib, call.function)) for call in self.calls]
        for row in times:
            for prepare, bound in self._prepared:
                prepare(bound, step)
            for k, (call, function) in enumerate(steps):
                start = perf_counter()
                status = function(call.bound)
                row[k] = perf_counter() - start
                if status:
                    self._fail(call)
        best = times.min(axis=0).tolist()
        return [(c.owner, c.function, t) for c, t in zip(self.calls, best, strict=True)]

    def first_not_finite(self, step: int = 0) -> tuple[int, FloatArray] | None:
        """Make all calls again and look at their arrays after each one.

        Returns
        -------
        tuple of int and ndarray, or None
            The owner of the first call that reads or writes a NaN or an infinity, and the array
            that holds it; None when all values are finite.
        """
        for prepare, bound in self._prepared:
            prepare(bound, step)
        for call in self.calls:
            boundary.check(getattr(lib, call.function)(call.bound), call.function)
            # Parameters (arrays) come before tensors, which the call may have written.
            fields = sorted(call.fields.items(), key=lambda f: not isinstance(f[1], np.ndarray))
            for _, value in fields:
                array = self._floats(value)
                if array is not None and not np.isfinite(array).all():
                    return call.owner, array
        return None

    def _floats(self, value: Any) -> FloatArray | None:
        """The floats of a struct's field, as an array; None where it has none."""
        if isinstance(value, np.ndarray):
            return value if value.dtype == np.float32 else None
        if isinstance(value, Tensor) and self.arena is not None:
            start = value.buffer.offset + value.offset
            shape, strides = (value.pixels, value.channels), (4 * value.stride, 4)
            return np.lib.stride_tricks.as_strided(self.arena[start:], shape, strides)
        return None

    def tensor_struct(self, tensor: Tensor) -> Any:
        """Return a C ``struct dk_tensor *`` for a placed tensor, valid as long as the program."""
        return boundary.struct("dk_tensor", self._bind(tensor))

    def _fail(self, call: Call) -> NoReturn:
        """Make the failed call again for its status, and raise."""
        status = getattr(lib, call.function)(call.bound)
        boundary.check(status, f"{call.function} of layer {call.owner}")
        raise KernelError(f"{call.function} of layer {call.owner} failed, but not when repeated")

    def _arguments(self, call: Call) -> Any:
        return boundary.arguments(call.function, self._bind_fields(call.fields))

    def _bind_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._bind(value) for name, value in fields.items()}

    def _bind(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return {
                "data": self._address(value.buffer, value.offset),
                "batch": value.batch,
                "height": value.height,
                "width": value.width,
                "channels": value.channels,
                "stride": value.stride,
            }
        if isinstance(value, Values):
            return self._address(value.tensor.buffer, value.tensor.offset + value.shift)
        if isinstance(value, Buffer):
            return self._address(value, 0)
        if isinstance(value, np.ndarray):
            self._keep_alive.append(value)
            return boundary.pointer(value, "void")
        if isinstance(value, dict):
            return self._bind_fields(value)
        if isinstance(value, list):
            stretches = boundary.stretches(value)
            self._keep_alive.append((value, stretches))
            return stretches
        return boundary.null if value is None else value

    def _address(self, buffer: Buffer, offset: int) -> Any:
        if self.arena is None:  # only sizes are wanted
            return boundary.null
        return boundary.pointer(self.arena[buffer.offset + offset :], "void")


def _place(buffers: list[Buffer], calls: int) -> int:
    """Place the buffers, largest first, each at the lowest free offset; return the total size."""
    for buffer in buffers:
        if buffer.pinned:
            buffer.first, buffer.last = 0, calls
    placed_first = np.empty(len(buffers), np.int64)
    placed_last = np.empty(len(buffers), np.int64)
    placed_begin = np.empty(len(buffers), np.int64)
    placed_end = np.empty(len(buffers), np.int64)
    total = 0
    for count, buffer in enumerate(sorted(buffers, key=lambda b: -b.size)):
        size = -(-buffer.size // ALIGNMENT) * ALIGNMENT
        alive = (placed_first[:count] <= buffer.last) & (placed_last[:count] >= buffer.first)
        begins, ends = placed_begin[:count][alive], placed_end[:count][alive]
        order = np.argsort(begins, kind="stable")
        offset = 0
        for begin, end in zip(begins[order].tolist(), ends[order].tolist(), strict=True):
            if begin - offset >= size:
                break
            offset = max(offset, end)
        buffer.offset = offset
        placed_first[count], placed_last[count] = buffer.first, buffer.last
        placed_begin[count], placed_end[count] = offset, offset + size
        total = max(total, offset + size)
    return total
