"""References from one layer to earlier ones."""

from __future__ import annotations

from darkpy.config.options import Options

__all__ = ["absolute_index"]


def absolute_index(options: Options, key: str, value: int, index: int) -> int:
    """Index of the layer that `value` names in layer `index`: negative values count back.

    Raises
    ------
    OptionValueError
        The layer does not exist or does not come before.
    """
    absolute = index + value if value < 0 else value
    if absolute < 0:
        raise options.error(key, f"there are only {index} layers before this one")
    if absolute >= index:
        raise options.error(key, f"layer {absolute} does not come before this one, layer {index}")
    return absolute
