"""Variants of a cfg file: other batch sizes, and the part that Darknet itself can read."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from darkpy.config.sections import read_cfg
from darkpy.network.network import Network

__all__ = ["rewritten"]


def rewritten(
    net: Network,
    keep: Collection[int] | None = None,
    *,
    changes: Mapping[str, Mapping[str, object]],
    without: Collection[str] = (),
) -> str:
    """Return the text of the network's cfg with other values.

    Parameters
    ----------
    net : Network
        Its file is read again.
    keep : collection of int, optional
        Layers that stay; references are renumbered.
    changes : mapping
        Section name -> key -> value, for every section of that name.
    without : collection of str
        Keys to leave out.
    """
    sections = read_cfg(net.path)
    kept = range(len(net.layers)) if keep is None else sorted(keep)
    number = {index: k for k, index in enumerate(kept)}
    lines: list[str] = []
    for index, section in enumerate(sections, start=-1):
        if index >= 0 and index not in number:
            continue
        values: dict[str, object] = {}
        for entry in section.entries:
            values.setdefault(entry.key, entry.value)
        if index >= 0:
            layer = net.layers[index]
            if layer.kind == "route":
                values["layers"] = ",".join(str(number[source]) for source in layer.sources)
            elif layer.kind == "shortcut":
                values["from"] = number[layer.sources[1]]
        name = "net" if index < 0 else net.layers[index].kind
        values |= changes.get(name, {})
        lines.append(f"[{name}]")
        lines += [f"{key}={value}" for key, value in values.items() if key not in without]
        lines.append("")
    return "\n".join(lines)
