"""Scratch memory of a single call; a program's calls share theirs (`Program.bind`)."""

from __future__ import annotations

from typing import Any

from darkpy.engine.aligned import aligned
from darkpy.engine.boundary import check, give_workspace, lib

__all__ = ["call_with_workspace"]


def call_with_workspace(function: str, args: Any) -> None:
    """Call a C function with a struct and the scratch memory that it needs.

    Parameters
    ----------
    function : str
        Its name; ``<function>_workspace`` tells how many bytes it needs for this struct.
    args : pointer to a struct
        Its fields ``workspace`` and, where it has one, ``workspace_bytes`` are filled.

    Raises
    ------
    KernelError
        The function refuses the struct.
    """
    needed = getattr(lib, f"{function}_workspace")(args)
    memory = aligned(-(-needed // 4))
    give_workspace(args, memory, needed)
    check(getattr(lib, function)(args), function.removeprefix("dk_"))
