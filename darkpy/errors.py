"""Errors: everything that darkpy raises for bad input.

::

    DarkpyError
    |-- ConfigError(path, line, message)      a .cfg, .data or list file
    |   |-- ConfigSyntaxError                 a line that is no section, option or comment
    |   |-- UnknownSectionError               [name] that no fork of Darknet has
    |   `-- OptionValueError                  a value of the wrong type or out of range
    |-- WeightsError(path, offset, message)   a .weights file: short, long, of another network, not
    finite
    |-- DataError(path, line, message)        images, labels, data sets
    |-- ShapeError    (also ValueError)       an array of the wrong shape or memory layout
    |-- DTypeError    (also TypeError)        an array of the wrong type
    |-- ArgumentError (also ValueError)       any other argument out of its range
    |-- StateError    (also RuntimeError)     a call that needs another one before it
    |-- TrainingError (also RuntimeError)     training cannot go on: loss not finite, ...
    `-- KernelError   (also RuntimeError)     the C core refused: always a bug, please report it

The command line prints any of them as one line and exits with status 2.
"""

from __future__ import annotations

import os

__all__ = [
    "ArgumentError",
    "ConfigError",
    "ConfigSyntaxError",
    "DTypeError",
    "DarkpyError",
    "DataError",
    "KernelError",
    "OptionValueError",
    "ShapeError",
    "StateError",
    "TrainingError",
    "UnknownSectionError",
    "UnusedOptionWarning",
    "WeightsError",
]


class DarkpyError(Exception):
    """Base of all errors that darkpy raises for bad input."""


class _FileError(DarkpyError):
    """An error at a place of a text file; `line` counts from 1, 0 means the whole file."""

    def __init__(self, path: str | os.PathLike[str], line: int, message: str) -> None:
        self.path = os.fspath(path)
        self.line = line
        self.message = message
        super().__init__(f"{self.path}:{line}: {message}" if line else f"{self.path}: {message}")


class ConfigError(_FileError):
    """A .cfg or .data file that cannot be used; the text begins ``path:line:``."""


class ConfigSyntaxError(ConfigError):
    """A line that is neither a section, nor an option, nor a comment."""


class UnknownSectionError(ConfigError):
    """A section name that darkpy does not know."""


class OptionValueError(ConfigError):
    """An option whose value has the wrong type, is out of range or fits no layer."""


class DataError(_FileError):
    """An image, label or data set that cannot be used."""


class WeightsError(DarkpyError):
    """A .weights file that cannot be used; `offset` is in bytes from the file's start."""

    def __init__(self, path: str | os.PathLike[str], offset: int, message: str) -> None:
        self.path = os.fspath(path)
        self.offset = offset
        self.message = message
        super().__init__(f"{self.path}: {message} (at byte {offset})")


class ShapeError(DarkpyError, ValueError):
    """An array of the wrong shape or memory layout; the text names the argument."""


class DTypeError(DarkpyError, TypeError):
    """An array of the wrong element type; the text names the argument."""


class ArgumentError(DarkpyError, ValueError):
    """An argument out of its range; the text names it."""


class StateError(DarkpyError, RuntimeError):
    """A call that needs another one before it."""


class TrainingError(DarkpyError, RuntimeError):
    """Training cannot go on."""


class KernelError(DarkpyError, RuntimeError):
    """The C core returned an error status: Python's own checks should have caught it before."""


class UnusedOptionWarning(UserWarning):
    """An option in a .cfg that its section does not know."""
