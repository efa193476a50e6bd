"""Packaged networks: the cfg files that come with darkpy."""

from __future__ import annotations

import os

from darkpy.config.options import did_you_mean
from darkpy.errors import ConfigError

__all__ = ["find_cfg", "packaged_cfgs", "packaged_titles"]


def _folder() -> str:
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    installed = os.path.join(package, "cfg")
    if os.path.isdir(installed):
        return installed
    return os.path.join(os.path.dirname(package), "cfg")  # a source tree


def packaged_cfgs() -> dict[str, str]:
    """Return the names and paths of the networks that come with darkpy."""
    folder = _folder()
    names = sorted(f.removesuffix(".cfg") for f in os.listdir(folder) if f.endswith(".cfg"))
    return {name: os.path.join(folder, f"{name}.cfg") for name in names}


def packaged_titles() -> dict[str, str]:
    """Return the names of the networks that come with darkpy, and what each is in one line.

    The line is the first of the file, a comment.
    """
    titles = {}
    for name, path in packaged_cfgs().items():
        with open(path, encoding="utf-8") as file:
            titles[name] = file.readline().removeprefix("#").strip()
    return titles


def find_cfg(cfg: str | os.PathLike[str]) -> str:
    """Return the file that `cfg` names: an existing path, else a packaged network's.

    Raises
    ------
    ConfigError
        Neither exists.
    """
    path = os.fspath(cfg)
    if os.path.exists(path):
        return path
    packaged = packaged_cfgs()
    folder, file = os.path.split(path)
    name = file.removesuffix(".cfg")
    if folder in ("", ".") and name in packaged:
        return packaged[name]
    hint = did_you_mean(name, packaged)
    raise ConfigError(path, 0, f"there is no such file, nor a packaged network of that name{hint}")
