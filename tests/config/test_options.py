"""Option declarations: values, ranges, messages (word for word), unused keys, the table."""

from __future__ import annotations

import copy
import pickle
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkpy.config.options import (
    Kind,
    Option,
    Options,
    choice,
    did_you_mean,
    flag,
    integer,
    integers,
    option_table,
    read_options,
    real,
    reals,
    text,
)
from darkpy.config.sections import Entry, Section, parse_cfg
from darkpy.errors import DarkpyError, OptionValueError, UnusedOptionWarning

DECLARED = (
    integer("filters", 1, "number of filters", minimum=1),
    integer("groups", 1, "groups", minimum=1, maximum=64),
    integer("shift", 0, "any integer"),
    real("temperature", 1.0, "divisor", above=0),
    real("ratio", 0.5, "share", minimum=0, below=1),
    real("offset", 0.0, "any number"),
    text("tree", None, "file; none"),
    choice("activation", "logistic", ("linear", "leaky", "logistic"), "activation"),
    flag("pad", False, "padding"),
    integers("from", None, "the layers before; required", dialect="alexeyab"),
    integers("mask", (0, 1), "anchors", minimum=0),
    reals("anchors", None, "sizes; .5 each", above=0),
    real("loss_weight", None, "weight of the cost; mean", dialect="darkpy"),
)


def section_of(body: str, name: str = "conv") -> Section:
    return parse_cfg(f"[net]\n\n[{name}]\n{body}", "x.cfg")[1]


def read(body: str, *, strict: bool = False) -> Options:
    return read_options(section_of(body), DECLARED, strict=strict)


def test_defaults() -> None:
    options = read("")
    assert {option.name: option.default for option in DECLARED} == {
        name: options[name] for name in options
    }
    assert not options.given("filters")
    assert options.line("filters") == 3


VALUES: list[tuple[str, str, Any]] = [
    ("filters", "3", 3),
    ("filters", "+3", 3),
    ("filters", "3.0", 3),
    ("filters", "1e3", 1000),
    ("filters", "007", 7),
    ("filters", "2147483647", 2**31 - 1),
    ("shift", "-5", -5),
    ("shift", "-2147483647", -(2**31) + 1),
    ("offset", ".5", 0.5),
    ("offset", "-1.", -1.0),
    ("offset", "1e-4", 1e-4),
    ("offset", "1E+4", 1e4),
    ("offset", "1e-60", 1e-60),
    ("tree", "a/b#c".replace("#", "-"), "a/b-c"),
    ("activation", "leaky", "leaky"),
    ("pad", "0", False),
    ("pad", "1", True),
    ("pad", "-7", True),
    ("from", "-1,-3", (-1, -3)),
    ("from", "-4", (-4,)),
    ("mask", "0, 1,2", (0, 1, 2)),
    ("anchors", "1.5,2", (1.5, 2.0)),
]


@pytest.mark.parametrize(("name", "written", "value"), VALUES)
def test_values(name: str, written: str, value: object) -> None:
    options = read(f"{name}={written}")
    assert options[name] == value
    assert type(options[name]) is type(value)
    assert options.given(name)
    assert options.line(name) == 4


REFUSED = {
    "filters=abc": "filters must be an integer >= 1, got 'abc'",
    "filters=0": "filters must be an integer >= 1, got '0'",
    "filters=-3": "filters must be an integer >= 1, got '-3'",
    "filters=0.5": "filters must be an integer >= 1, got '0.5'",
    "filters=4x": "filters must be an integer >= 1, got '4x'",
    "filters=1_000": "filters must be an integer >= 1, got '1_000'",
    "filters=٣": "filters must be an integer >= 1, got '٣'",
    "filters=0x10": "filters must be an integer >= 1, got '0x10'",
    "filters=2147483648": "filters must be an integer >= 1 that fits 32 bits, got '2147483648'",
    "filters=1e99": "filters must be an integer >= 1, got '1e99'",
    "filters=" + "9" * 5000: f"filters must be an integer >= 1, got '{'9' * 60}'...",
    "filters=nan": "filters must be an integer >= 1, got 'nan'",
    "filters=1,2": "filters must be an integer >= 1, got '1,2'",
    "groups=65": "groups must be an integer from 1 to 64, got '65'",
    "temperature=0": "temperature must be a number > 0, got '0'",
    "temperature=nan": "temperature must be a number > 0, got 'nan'",
    "temperature=inf": "temperature must be a number > 0, got 'inf'",
    "temperature=1e39": "temperature must be a number > 0, got '1e39'",
    "temperature=1.2.3": "temperature must be a number > 0, got '1.2.3'",
    "ratio=1": "ratio must be a number >= 0 and < 1, got '1'",
    "ratio=-0.1": "ratio must be a number >= 0 and < 1, got '-0.1'",
    "offset=.": "offset must be a number, got '.'",
    "activation=leeky": "activation must be one of linear, leaky, logistic, got 'leeky'"
    ', did you mean "leaky"?',
    "activation=Leaky": "activation must be one of linear, leaky, logistic, got 'Leaky'"
    ', did you mean "leaky"?',
    "activation=42": "activation must be one of linear, leaky, logistic, got '42'",
    "pad=yes": "pad must be 0 or 1, got 'yes'",
    "pad=0.5": "pad must be 0 or 1, got '0.5'",
    "from=-1,,2": "from must be integers separated by commas (element 2 is empty), got '-1,,2'",
    "from=1,a": "from must be integers separated by commas (element 2 is 'a'), got '1,a'",
    "mask=0,-1": "mask must be integers separated by commas, each >= 0 (element 2 is '-1'), "
    "got '0,-1'",
    "anchors=1,2,": "anchors must be numbers separated by commas, each > 0 (element 3 is empty), "
    "got '1,2,'",
}


@pytest.mark.parametrize("line", REFUSED)
def test_refuses(line: str) -> None:
    with pytest.raises(OptionValueError) as caught:
        read(f"shift=1\n{line}")
    assert str(caught.value) == f"x.cfg:5: [conv] {REFUSED[line]}"
    assert (caught.value.path, caught.value.line) == ("x.cfg", 5)


UNUSED = {
    "filterz=3": 'x.cfg:4: [conv] does not know key "filterz", did you mean "filters"?',
    "qqq=3": 'x.cfg:4: [conv] does not know key "qqq"',
    "pad=0\npad=1": 'x.cfg:5: [conv] ignores the second "pad", line 4 counts',
    f"{'k' * 99}=1": f'x.cfg:4: [conv] does not know key "{"k" * 60}..."',
}


@pytest.mark.parametrize("body", UNUSED)
def test_unused_lines_warn_and_are_errors_when_strict(body: str) -> None:
    with pytest.warns(UnusedOptionWarning) as caught:
        assert read(body).pad is False
    assert [str(warning.message) for warning in caught] == [UNUSED[body]]
    with pytest.raises(OptionValueError) as error:
        read(body, strict=True)
    assert str(error.value) == UNUSED[body]


def test_many_unused_lines_are_counted() -> None:
    with pytest.warns(UnusedOptionWarning) as caught:
        read("".join(f"unknown{i}=1\n" for i in range(25)))
    assert len(caught) == 21
    assert str(caught[-1].message) == "x.cfg:24: [conv] has 5 more unused lines from here on"


def test_many_unused_lines_take_no_time() -> None:
    section = Section("conv", 1, "x", tuple(Entry(f"k{i}", "1", i) for i in range(200_000)))
    started = time.perf_counter()
    with pytest.warns(UnusedOptionWarning):
        read_options(section, DECLARED)
    assert time.perf_counter() - started < 10


def test_errors_of_rules_between_options() -> None:
    options = read("filters=10\nmask=1,2\ntree=" + "t" * 70)
    errors = {
        ("filters", "must be divisible by groups"): "x.cfg:4: [conv] filters=10: must be "
        "divisible by groups",
        ("groups", "is odd"): "x.cfg:3: [conv] groups=1 (the default): is odd",
        ("pad", "why"): "x.cfg:3: [conv] pad=0 (the default): why",
        ("anchors", "is needed"): "x.cfg:3: [conv] anchors=(not given): is needed",
        ("tree", "is long"): f"x.cfg:6: [conv] tree={'t' * 60}...: is long",
    }
    for (name, message), expected in errors.items():
        error = options.error(name, message)
        assert isinstance(error, OptionValueError)
        assert str(error) == expected


def test_declared_options_are_found_without_a_walk() -> None:
    class Unwalked(Options):
        def __iter__(self) -> Iterator[str]:
            raise AssertionError("in shall look the name up")

    options = read("from=1")
    unwalked = Unwalked(options.section, {name: options[name] for name in options})
    assert "from" in unwalked
    assert "loss_weight" in unwalked, "an option that is not given has its default"
    assert "filtres" not in unwalked


def test_options_are_facts() -> None:
    options = read("from=1")
    assert options["from"] == (1,)
    assert options.filters == 1
    assert "[conv]: filters=1, groups=1" in repr(options)
    with pytest.raises(AttributeError, match="cannot be changed"):
        options.filters = 3
    with pytest.raises(AttributeError, match=r"'filtres' is declared, did you mean \"filters\"\?"):
        _ = options.filtres
    for other in (copy.deepcopy(options), pickle.loads(pickle.dumps(options))):
        assert {name: other[name] for name in other} == {name: options[name] for name in options}
        assert other.section == options.section


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("convolutonal", ', did you mean "convolutional"?'),
        ("gaussian_yolo", ', did you mean "Gaussian_yolo"?'),
        ("CONVOLUTIONAL", ', did you mean "convolutional"?'),
        ("zzz", ""),
        ("", ""),
        ("convolutional" * 10, ""),
    ],
)
def test_did_you_mean(word: str, hint: str) -> None:
    assert did_you_mean(word, ["convolutional", "Gaussian_yolo", "route"]) == hint


def test_table() -> None:
    assert option_table([DECLARED[0], DECLARED[8], DECLARED[9], DECLARED[12]]) == (
        "| Option | Value | Default | Meaning | Known to |\n"
        "|---|---|---|---|---|\n"
        "| `filters` | an integer >= 1 | 1 | number of filters | all |\n"
        "| `pad` | 0 or 1 | 0 | padding | all |\n"
        "| `from` | integers separated by commas | derived | the layers before; required "
        "| alexeyab |\n"
        "| `loss_weight` | a number | derived | weight of the cost; mean | darkpy only |\n"
    )
    assert "a \\| b" in option_table([text("x", None, "a | b")])


def test_contradictory_declarations_are_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        integer("a", 0, "", minimum=1)
    with pytest.raises(ValueError, match="is no choice"):
        choice("a", "x", ("y",), "")
    with pytest.raises(ValueError, match="no choices"):
        choice("a", None, (), "")
    with pytest.raises(ValueError, match="not all among"):
        choice("a", "x", ("x",), "", alexeyab_choices=("y",))


WRITTEN = st.one_of(
    st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1),
    st.text(st.sampled_from("0123456789.,+-eE"), min_size=1, max_size=400),
    st.floats().map(repr),
    st.integers().map(str),
)


@given(st.sampled_from(DECLARED), WRITTEN)
def test_any_value_keeps_its_promise_or_is_refused(option: Option, written: str) -> None:
    section = Section("conv", 1, "x.cfg", (Entry(option.name, written, 2),))
    try:
        value = read_options(section, DECLARED)[option.name]
    except DarkpyError as error:
        assert str(error).startswith(f"x.cfg:2: [conv] {option.name} must be ")
        return
    kinds = {Kind.INT: int, Kind.FLOAT: float, Kind.FLAG: bool}
    if option.kind in kinds:
        assert type(value) is kinds[option.kind]
        assert option.kind is Kind.FLAG or option.allows(value)
    elif option.kind in (Kind.INTS, Kind.FLOATS):
        element = int if option.kind is Kind.INTS else float
        assert all(type(number) is element and option.allows(number) for number in value)
        assert len(value) == written.count(",") + 1
    elif option.kind is Kind.CHOICE:
        assert value in option.choices
    else:
        assert value == written


@pytest.mark.slow
def test_long_junk_takes_linear_time() -> None:
    started = time.perf_counter()
    for junk in ("1" * 3_000_000 + "x", "1," * 1_000_000 + "x", "e" * 3_000_000):
        for name in ("filters", "offset", "anchors", "activation", "pad"):
            with pytest.raises(OptionValueError):
                read_options(Section("c", 1, "x", (Entry(name, junk, 2),)), DECLARED)
    assert time.perf_counter() - started < 60


def test_warnings_point_to_the_caller() -> None:
    """A filter by module must be able to reach them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_options(section_of("nothing=1"), DECLARED)
    assert caught[0].filename == __file__
