"""The grammar of .cfg files: what is read, and each message, word for word."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from darkpy.config.sections import Entry, Section, parse_cfg, read_cfg
from darkpy.config.text import MAX_CFG_BYTES
from darkpy.errors import ConfigError, ConfigSyntaxError, DarkpyError


def as_pairs(sections: list[Section]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(s.name, [(e.key, e.value) for e in s.entries]) for s in sections]


READ = {
    "spaces and tabs anywhere": ("[ n e t ]\n\t max_ batches\t= 5 0 0 ", "max_batches", "500"),
    "first equals sign splits": ("[net]\na=b=c=", "a", "b=c="),
    "windows line ends": ("[net]\r\na=1\r\n\r\n", "a", "1"),
    "byte order mark": ("\ufeff[net]\na=1", "a", "1"),
    "comment lines": ("# one\n[net]\n;two\n  # three = 3\na=1", "a", "1"),
    "comments behind": ("[net] # net\na=leaky # b=2\n", "a", "leaky"),
    "semicolon behind": ("[net]; x\na=1;b\n", "a", "1"),
    "first repeated key counts": ("[net]\na=1\na=2", "a", "1"),
    "network": ("[network]\na=1", "a", "1"),
    "any letters": ("[net]\ntree=données/9k.tree", "tree", "données/9k.tree"),
    "a control character in a comment": ("[net]\na=1 # \x07", "a", "1"),
}


@pytest.mark.parametrize("case", READ)
def test_reads(case: str) -> None:
    text, key, value = READ[case]
    (section,) = parse_cfg(text)
    entry = section.get(key)
    assert entry is not None
    assert entry.value == value


def test_keeps_order_and_lines() -> None:
    sections = parse_cfg("[net]\na=1\n\n[conv]\nb=2\nb=3\n[conv]\n[max]\nc=4", "x.cfg")
    assert as_pairs(sections) == [
        ("net", [("a", "1")]),
        ("conv", [("b", "2"), ("b", "3")]),
        ("conv", []),
        ("max", [("c", "4")]),
    ]
    assert [section.line for section in sections] == [1, 4, 7, 8]
    assert sections[1].entries == (Entry("b", "2", 5), Entry("b", "3", 6))
    assert {section.path for section in sections} == {"x.cfg"}


REFUSED = {
    "": "x.cfg:1: no section: a cfg begins with [net]",
    "# only\n": "x.cfg:1: no section: a cfg begins with [net]",
    "a=1\n[net]": "x.cfg:1: 'a=1' stands before the first section, [net]",
    "hello\n": "x.cfg:1: 'hello' is neither [section], key=value nor a comment",
    "[net]\n\nbatch\n": "x.cfg:3: 'batch' is neither [section], key=value nor a comment",
    "[net]\nbatch= # 4": "x.cfg:2: 'batch' has no value behind '='",
    "[net]\n=4": "x.cfg:2: '=4' has no key before '='",
    "[net\na=1": "x.cfg:1: '[net' lacks its ']'",
    "[net]\n[]": "x.cfg:2: [] names no section",
    "[net] x": "x.cfg:1: 'x' stands behind [net]",
    "[conv]\na=1": "x.cfg:1: the first section must be [net] or [network], got [conv]",
    "[Net]": "x.cfg:1: the first section must be [net] or [network], got [Net]",
    "[net]\na=1\x00": "x.cfg:2: unprintable character '\\x00' in 'a=1\\x00'",
    "[net]\na=\u00a01": "x.cfg:2: unprintable character '\\xa0' in 'a=\\xa01'",
    "[net]\n"
    + "x" * 100: f"x.cfg:2: '{'x' * 60}'... is neither [section], key=value nor a comment",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refuses(text: str) -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        parse_cfg(text, "x.cfg")
    assert str(caught.value) == REFUSED[text]


def test_section_error_names_file_line_and_section() -> None:
    section = parse_cfg("[net]\n[route]", "x.cfg")[1]
    assert str(section.error("has no input")) == "x.cfg:2: [route] has no input"


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", 1, "no section"),
        (b"[net]\na=1\0", 2, "a NUL byte: this is a binary file, not text"),
        ("[net]".encode("utf-16"), 1, "the file is UTF-16: save it as UTF-8"),
        (b"[net]\na=\xe9t\xe9", 2, "is not UTF-8"),
        (bytes(range(1, 256)), 1, "unprintable character"),
    ],
)
def test_refuses_bytes(tmp_path: Path, data: bytes, line: int, message: str) -> None:
    path = tmp_path / "x.cfg"
    path.write_bytes(data)
    with pytest.raises(ConfigSyntaxError) as caught:
        read_cfg(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in caught.value.message


def test_latin1_comment_and_marks_are_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "x.cfg"
    path.write_bytes(b"# caf\xe9\r\n[net]\r\na=1 ; \xff\r\n")
    assert as_pairs(read_cfg(path)) == [("net", [("a", "1")])]
    path.write_bytes(b"\xef\xbb\xbf[net]\na=1")
    assert as_pairs(read_cfg(str(path))) == [("net", [("a", "1")])]


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "no.cfg"
    with pytest.raises(ConfigError, match="no such file") as caught:
        read_cfg(missing)
    assert caught.value.path == str(missing)
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        read_cfg(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_cfg("a\0b")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_cfg("x" * 5000)


def test_refuses_large_files(tmp_path: Path) -> None:
    path = tmp_path / "x.cfg"
    path.write_bytes(b"#" * (MAX_CFG_BYTES + 1))
    with pytest.raises(ConfigError, match="is longer than 4,194,304 bytes"):
        read_cfg(path)
    with pytest.raises(ConfigError, match="is longer than"):
        parse_cfg("#" * (MAX_CFG_BYTES + 1))


@pytest.mark.slow
def test_long_text_does_not_hang() -> None:
    """Quadratic work would take hours at this size."""
    size = MAX_CFG_BYTES // 4
    started = time.perf_counter()
    for unit in ("[a]\n", "a=1\n", "=" * 1000, "\n", "#", "[net]a"):
        text = "[net]\n" + unit * (size // len(unit))
        try:
            parse_cfg(text)
        except ConfigSyntaxError:
            pass
    assert time.perf_counter() - started < 60


CODE = st.text(st.sampled_from("[]=#;,.-01 ax\tnet\r\n\0é\ud800\u2028"), max_size=200)


@given(st.one_of(st.text(), CODE, CODE.map(lambda text: "[net]\n" + text)))
@example("[net]\u2028a=1")
def test_any_text_gives_sections_or_a_darkpy_error(text: str) -> None:
    try:
        sections = parse_cfg(text)
    except DarkpyError as error:
        assert str(error).startswith("<string>:")
        return
    assert sections[0].name in ("net", "network")
    for section in sections:
        assert section.name
        assert all(entry.key and entry.value for entry in section.entries)
    written = "".join(
        f"[{s.name}]\n" + "".join(f"{e.key}={e.value}\n" for e in s.entries) for s in sections
    )
    assert as_pairs(parse_cfg(written)) == as_pairs(sections)


@given(st.binary(max_size=200))
def test_any_bytes_give_sections_or_a_darkpy_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.cfg"
    path.write_bytes(data)
    for content in (data, b"[net]\n" + data):
        path.write_bytes(content)
        try:
            assert read_cfg(path)[0].name in ("net", "network")
        except DarkpyError as error:
            assert str(error).startswith(str(path))


def test_shipped_files(shared: Path) -> None:
    files = sorted((shared / "data" / "cfg-pjreddie").glob("*.cfg"))
    assert len(files) == 45
    for path in files:
        sections = read_cfg(path)
        assert len(sections) > 3
        # Independently of the parser: count the lines that begin with a bracket.
        lines = path.read_text().splitlines()
        assert len(sections) == sum(line.strip().startswith("[") for line in lines)
        options = [line for line in lines if "=" in line and line.strip()[0] not in "#;"]
        assert sum(len(section.entries) for section in sections) == len(options)
