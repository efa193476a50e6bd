"""Entry point of the command line: finds the commands, runs one, turns errors into exit codes.

====  =================================================================
0     done
1     a bug in darkpy (Python's own traceback is shown)
2     bad input: one line on stderr names the file or argument
130   interrupted by Ctrl-C
141   the reader of the output went away (``darkpy summary x | head``)
====  =================================================================
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

import darkpy.cli
from darkpy.errors import DarkpyError

__all__ = ["main"]

BAD_INPUT = 2
INTERRUPTED = 128 + 2
NO_READER = 128 + 13


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after ``darkpy``; else those of this process.

    Returns
    -------
    int
        The exit status, see the module's table.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            arguments = _parser().parse_args(argv)
            arguments.run(arguments)
            sys.stdout.flush()
        except DarkpyError as error:
            print(f"darkpy: {_one_line(error)}", file=sys.stderr)
            return BAD_INPUT
        except KeyboardInterrupt as interrupt:
            print(str(interrupt) or "Interrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:
            # Drop what Python still buffers for stdout, or it would complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return NO_READER
    return 0


def _one_line(message: object) -> str:
    """Join the lines of a message."""
    return " ".join(str(message).split("\n"))


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line, without its file and line in darkpy's code."""
    print(f"darkpy: warning: {_one_line(message)}", file=file or sys.stderr)


def _parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="darkpy",
        description="Train and run Darknet networks (.cfg and .weights files) on CPUs.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in pkgutil.iter_modules(darkpy.cli.__path__):
        command = importlib.import_module(f"darkpy.cli.{module.name}")
        if hasattr(command, "register"):
            command.register(commands)
    return parser
