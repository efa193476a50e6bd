"""The table of the forks, and how a cfg tells which one it was written for."""

from __future__ import annotations

import pytest

from darkpy.config.dialects import (
    ALEXEYAB,
    DIALECTS,
    PJREDDIE,
    Dialect,
    detect_dialect,
    dialect_named,
)
from darkpy.config.net_table import NET_OPTIONS
from darkpy.config.options import Option, integer
from darkpy.config.sections import parse_cfg
from darkpy.errors import ArgumentError


def options_of(name: str) -> tuple[Option, ...]:
    layers = {
        "net": NET_OPTIONS,
        "conv": (integer("filters", 1, ""), integer("dilation", 1, "", dialect="alexeyab")),
        "softmax": (integer("loss_weight", 1, "", dialect="darkpy"),),
    }
    return layers.get(name, ())


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ("", PJREDDIE),
        ("[conv]\nfilters=3", PJREDDIE),
        ("[conv]\nfilters=3\ndilation=2", ALEXEYAB),
        ("mosaic=1", ALEXEYAB),
        ("policy=sgdr", ALEXEYAB),
        ("policy=steps", PJREDDIE),
        ("center=1", PJREDDIE),
        ("[sam]", ALEXEYAB),
        ("[unknown]\ndilation=2", PJREDDIE),
        ("[softmax]\nloss_weight=1", PJREDDIE),
        ("nobody_knows=1", PJREDDIE),
    ],
)
def test_detection(body: str, dialect: Dialect) -> None:
    assert detect_dialect(parse_cfg("[net]\n" + body), {"sam"}, options_of) is dialect


def test_names() -> None:
    assert dialect_named("auto") is None
    assert dialect_named("alexeyab") is ALEXEYAB
    assert dialect_named("pjreddie") is PJREDDIE
    with pytest.raises(ArgumentError) as caught:
        dialect_named("alexyab")
    assert str(caught.value) == (
        "dialect must be one of 'pjreddie', 'alexeyab', 'auto', got 'alexyab'"
        ', did you mean "alexeyab"?'
    )
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {
        "pjreddie": "pjreddie",
        "alexeyab": "alexeyab",
    }


def test_every_field_is_there_because_the_forks_differ() -> None:
    for field in Dialect._fields:
        assert getattr(PJREDDIE, field) != getattr(ALEXEYAB, field)
