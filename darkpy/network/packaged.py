"""The networks that come with darkpy."""

from __future__ import annotations

import os
from pathlib import Path

from darkpy.config.options import did_you_mean
from darkpy.errors import ConfigError

__all__ = ["find_cfg", "packaged_cfgs"]


def _folder() -> Path:
    package = Path(__file__).resolve().parents[1]
    installed = package / "cfg"
    return installed if installed.is_dir() else package.parent / "cfg"  # a source tree


def packaged_cfgs() -> dict[str, Path]:
    """Name -> file of the networks that come with darkpy."""
    return {path.stem: path for path in sorted(_folder().glob("*.cfg"))}


def find_cfg(cfg: str | os.PathLike[str]) -> Path:
    """Return the file that `cfg` names: an existing path, else a packaged network's.

    Raises
    ------
    ConfigError
        Neither exists.
    """
    path = Path(cfg)
    if path.exists():
        return path
    packaged = packaged_cfgs()
    name = path.name.removesuffix(".cfg")
    if path.parent == Path() and name in packaged:
        return packaged[name]
    hint = did_you_mean(name, packaged)
    raise ConfigError(path, 0, f"there is no such file, nor a packaged network of that name{hint}")
