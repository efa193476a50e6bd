"""Scratch memory of a single call; a program's calls share theirs (`Program.bind`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from darkpy.engine.aligned import aligned
from darkpy.engine.boundary import arguments, check, give_workspace, lib, workspace_bytes

__all__ = ["call_with_workspace"]


def call_with_workspace(function: str, fields: Mapping[str, Any]) -> None:
    """Call a C function with a struct of these fields and the scratch memory that it needs.

    Raises
    ------
    KernelError
        The function refuses the struct.
    """
    args = arguments(function, fields)
    needed = workspace_bytes(function, args) or 0
    memory = aligned(-(-needed // 4))
    give_workspace(args, memory, needed)
    check(getattr(lib, function)(args), function.removeprefix("dk_"))
