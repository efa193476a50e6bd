"""The boundary to C: arrays are checked on the way in, statuses on the way out.

Everything that C reads or writes passes through here. Type, shape, memory layout, writability and
overlap are checked first: bad input raises an exception that names the argument and never crashes.
Calls into C release the interpreter lock.  Only this module and `darkpy.engine.core` use ffi.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from darkpy.engine.core import ffi, lib
from darkpy.errors import ArgumentError, DTypeError, KernelError, ShapeError

__all__ = [
    "FloatArray",
    "accumulator",
    "arguments",
    "call_list",
    "check",
    "enumerators",
    "float_array",
    "give_workspace",
    "lib",
    "no_overlap",
    "no_partial_overlap",
    "null",
    "output_array",
    "pointer",
    "real",
    "size",
    "stretches",
    "struct",
    "structs",
    "text",
    "workspace_bytes",
]

FloatArray = npt.NDArray[np.float32]

#: The NULL pointer.
null: Any = ffi.NULL

#: No array handed to C holds more values than this: 2**40 bytes of float32.
MAX_VALUES = 1 << 38


def _shape_text(shape: Sequence[int | None]) -> str:
    inner = ", ".join("any" if n is None else str(n) for n in shape)
    return f"({inner}{',' if len(shape) == 1 else ''})"


def float_array(
    name: str,
    array: object,
    shape: Sequence[int | None] | None = None,
    *,
    writable: bool = False,
) -> FloatArray:
    """Return `array` unchanged when C may use it: a C-contiguous float32 ndarray.

    Parameters
    ----------
    name : str
        The argument's name in messages.
    shape : sequence of int or None, optional
        The expected shape, None standing for any length of that axis.
    writable : bool
        True when C will write into it.

    Raises
    ------
    DTypeError
        Not an ndarray, or not of type float32 in this machine's byte order.
    ShapeError
        Another shape, not C-contiguous, or read-only where it will be written.
    """
    if not isinstance(array, np.ndarray):
        raise DTypeError(f"{name} must be a NumPy array of float32, got {type(array).__name__}")
    if array.dtype != np.float32 or not array.dtype.isnative:
        raise DTypeError(f"{name} must be a NumPy array of float32, got dtype {array.dtype}")
    if shape is not None and (
        array.ndim != len(shape)
        or any(
            want is not None and want != got for want, got in zip(shape, array.shape, strict=True)
        )
    ):
        raise ShapeError(
            f"{name} must have shape {_shape_text(shape)}, got {_shape_text(array.shape)}"
        )
    if not array.flags.c_contiguous:
        raise ShapeError(
            f"{name} must be C-contiguous (numpy.ascontiguousarray makes a copy that is), "
            f"got strides {array.strides} for shape {_shape_text(array.shape)}"
        )
    if not array.flags.aligned:
        raise ShapeError(f"{name} must be aligned to 4 bytes")
    if writable and not array.flags.writeable:
        raise ShapeError(f"{name} must be writable, got a read-only array")
    return array


def output_array(name: str, out: object, shape: Sequence[int]) -> FloatArray:
    """Return `out` after the checks of `float_array`, or a new uninitialised array for None."""
    if out is None:
        return np.empty(tuple(shape), np.float32)
    return float_array(name, out, shape, writable=True)


def accumulator(name: str, out: object, shape: Sequence[int]) -> FloatArray:
    """Return `out`, which C adds to, after the checks of `float_array`; new zeros for None."""
    if out is None:
        return np.zeros(tuple(shape), np.float32)
    return float_array(name, out, shape, writable=True)


def no_overlap(**arrays: FloatArray | None) -> None:
    """Raise ShapeError when the first of the named arrays shares memory with one of the others."""
    (first, written), *others = arrays.items()
    for name, array in others:
        if written is not None and array is not None and np.may_share_memory(written, array):
            raise ShapeError(f"{first} must not share memory with {name}")


def no_partial_overlap(**arrays: FloatArray | None) -> None:
    """As `no_overlap`, but the first array may be one of the others as a whole: in place."""
    (first, written), *others = arrays.items()
    for name, array in others:
        if written is not None and array is not None and not _same_memory(written, array):
            no_overlap(**{first: written, name: array})


def _same_memory(a: FloatArray, b: FloatArray) -> bool:
    return a.ctypes.data == b.ctypes.data and a.size == b.size


def real(name: str, value: object) -> float:
    """Return `value` as a float (NaN and infinities too), or raise ArgumentError naming it."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentError(f"{name} must be a number, got {value!r}")
    return float(value)


def size(name: str, value: object, minimum: int = 1, maximum: int = MAX_VALUES) -> int:
    """Return `value` as an int in minimum..maximum, or raise ArgumentError naming it."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentError(f"{name} must be an integer, got {value!r}")
    if not minimum <= value <= maximum:
        raise ArgumentError(f"{name} must be {minimum} to {maximum}, got {value}")
    return int(value)


def pointer(array: npt.NDArray[Any] | None, ctype: str = "float") -> Any:
    """Pointer to an array's first value; the caller keeps the array alive.  None gives NULL."""
    if array is None:
        return null
    return ffi.cast(f"{ctype} *", ffi.from_buffer(array))


@cache
def _argument_of(function: str) -> Any:
    """The type ``struct name *`` of a C function's only argument."""
    return ffi.typeof(getattr(lib, function)).args[0]


@cache
def _workspace_of(function: str) -> Any:
    """The C function that says how much scratch memory a call of `function` needs, or None."""
    return getattr(lib, f"{function}_workspace", None)


def arguments(function: str, fields: Mapping[str, Any]) -> Any:
    """Return a pointer to a new struct of the type of a C function's argument; see `struct`."""
    return ffi.new(_argument_of(function), dict(fields))


def workspace_bytes(function: str, args: Any) -> int | None:
    """Bytes of scratch memory that a call needs, by ``FUNCTION_workspace``; None without one."""
    sibling = _workspace_of(function)
    return None if sibling is None else int(sibling(args))


def struct(name: str, fields: Mapping[str, Any]) -> Any:
    """Return a pointer to a new ``struct name`` with these fields; mappings are nested structs."""
    return ffi.new(f"struct {name} *", dict(fields))


def structs(name: str, fields: Sequence[Mapping[str, Any]]) -> Any:
    """Return a C array of ``struct name``, one for each mapping."""
    return ffi.new(f"struct {name}[]", [dict(values) for values in fields])


def stretches(arrays: Sequence[npt.NDArray[np.uint8]]) -> Any:
    """Return a C array of ``struct dk_stretch``; the caller keeps `arrays` and the result alive."""
    return ffi.new(
        "struct dk_stretch[]",
        [{"data": pointer(array, "void"), "bytes": array.size} for array in arrays],
    )


def call_list(calls: Sequence[tuple[str, Any]]) -> Any:
    """Return a C array of ``struct dk_call``, of pairs (function, struct) that stay alive."""
    return ffi.new(
        "struct dk_call[]",
        [
            {
                "function": ffi.cast(
                    "enum dk_status (*)(const void *)", ffi.addressof(lib, function)
                ),
                "args": args,
            }
            for function, args in calls
        ],
    )


def give_workspace(args: Any, memory: npt.NDArray[Any], count: int) -> None:
    """Point a struct to `count` bytes of scratch memory; fill in `workspace_bytes` if it has it."""
    args.workspace = pointer(memory, "void") if count else null
    if any(name == "workspace_bytes" for name, _ in ffi.typeof(args).item.fields):
        args.workspace_bytes = count


def enumerators(name: str) -> tuple[str, ...]:
    """Names of the values 0, 1, ... of ``enum name``, without a last one that only counts them."""
    values = ffi.typeof(f"enum {name}").elements
    names = [values[number] for number in range(len(values))]
    return tuple(names[:-1] if names[-1].endswith("_COUNT") else names)


def text(chars: Any) -> str:
    """Return a C string as str."""
    return str(ffi.string(chars).decode())


def check(status: int, kernel: str) -> None:
    """Raise KernelError when a C function did not return DK_OK."""
    if status != lib.DK_OK:
        raise KernelError(f"{kernel}: {text(lib.dk_status_message(status))}")
