"""The .data files and lists: values, how paths are found, messages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkpy.config.data_file import parse_data, read_data, read_image_list, read_names
from darkpy.errors import (
    ArgumentError,
    ConfigError,
    ConfigSyntaxError,
    DarkpyError,
    OptionValueError,
    UnusedOptionWarning,
)


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_values_and_defaults() -> None:
    data = parse_data("classes = 10\r\n# x\ntrain =  my photos/a#1.list  # list\nto p=5\n; y\n")
    assert (data.classes, data.top, data.train) == (10, 5, "my photos/a#1.list")
    assert (data.valid, data.results, data.eval, data.tag) == (None, "results", "voc", False)
    assert data.line("train") == 3


REFUSED = {
    "classes": "d.data:1: 'classes' is neither [section], key=value nor a comment",
    "\nclasses=": "d.data:2: 'classes' has no value behind '='",
    "classes=0": "d.data:1: classes must be an integer >= 1, got '0'",
    "eval=vco": "d.data:1: eval must be one of voc, coco, imagenet, kitti, bdd, got 'vco'"
    ', did you mean "voc"?',
    "train=a\x01b": "d.data:1: unprintable character in 'train=a\\x01b'",
}


@pytest.mark.parametrize("content", REFUSED)
def test_refuses(content: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_data(content, "d.data")
    assert str(caught.value) == REFUSED[content]


def test_unknown_keys() -> None:
    with pytest.warns(UnusedOptionWarning) as caught:
        parse_data("trian=x", "d.data")
    assert str(caught[0].message) == 'd.data:1: does not know key "trian", did you mean "train"?'
    with pytest.raises(OptionValueError, match="trian"):
        parse_data("trian=x", "d.data", strict=True)


def test_paths_are_found_beside_the_file_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    data = read_data(write(tmp_path / "set" / "d.data", "names=n/a b.names\nbackup=save"))
    with pytest.raises(OptionValueError) as caught:
        data.find("names")
    tried = [
        str(tmp_path / "set" / "n/a b.names"),
        "n/a b.names",
        str(tmp_path / "set" / "n/ab.names"),
        "n/ab.names",
    ]
    assert str(caught.value) == (
        f"{tmp_path}/set/d.data:1: names=n/a b.names: no such file, tried "
        + " and ".join(map(repr, tried))
    )
    # The later a place is tried, the earlier it is filled here.
    for place in (work / "n/ab.names", tmp_path / "set/n/ab.names", work / "n/a b.names"):
        write(place, "x")
        assert data.find("names").samefile(place)
    write(tmp_path / "set/n/a b.names", "first\nsecond\n")
    assert data.find("names") == tmp_path / "set/n/a b.names"
    assert data.read_names() == ("first", "second")
    with pytest.raises(ConfigError, match=r"d\.data: train= is missing"):
        data.find("train")
    assert data.output_folder() == Path("save")
    (tmp_path / "set" / "save").mkdir()
    assert data.output_folder() == tmp_path / "set" / "save"
    assert data.output_folder("tree") is None


def test_names_and_labels_stand_in_for_each_other(tmp_path: Path) -> None:
    write(tmp_path / "a", "cat\ndog\nowl\n")
    write(tmp_path / "b", "n01\nn02\nn03\n")
    path = tmp_path / "d.data"

    def names_and_labels(content: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        data = read_data(write(path, content))
        return data.read_names(), data.read_labels()

    cats, codes = ("cat", "dog", "owl"), ("n01", "n02", "n03")
    assert names_and_labels("names=a") == (cats, cats)
    assert names_and_labels("labels=b") == (codes, codes)
    assert names_and_labels("names=a\nlabels=b") == (cats, codes)
    assert names_and_labels("names=a\nlabels=b\nclasses=2") == (cats[:2], codes[:2])
    with pytest.raises(OptionValueError) as caught:
        names_and_labels("classes=4\nnames=a")
    assert str(caught.value) == f"{path}:1: classes=4: {tmp_path}/a has only 3 lines"
    with pytest.raises(ConfigError, match="labels= is missing"):
        read_data(write(path, "classes=4")).read_names()


def test_names(tmp_path: Path) -> None:
    path = write(tmp_path / "x.names", "\ufeffcat \r\n hot dog\r\n\r\n\n")
    assert read_names(path) == ("cat", "hot dog")
    assert read_names(write(path, b"caf\xe9\n")) == ("café",)
    for content, message in {
        "": ":1: no name in this file",
        "\n\n": ":1: no name in this file",
        "cat\n\ndog": ":2: an empty line between names",
        "cat\n\0": ":2: a NUL byte: this is a binary file, not text",
    }.items():
        with pytest.raises(ConfigSyntaxError) as caught:
            read_names(write(path, content))
        assert str(caught.value) == f"{path}{message}"


def test_image_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path / "work" / "c.jpg", "").parent)
    write(tmp_path / "lists" / "b.jpg", "")
    images = tmp_path / "set" / "images"
    write(images / "a 1.jpg", "")
    content = f"images/a 1.jpg\r\n\nb.jpg\nc.jpg\n{images}/a 1.jpg\n"
    write(tmp_path / "lists" / "train.list", content)
    data = read_data(write(tmp_path / "set" / "d.data", "train=../lists/train.list"))
    found = data.read_images("train")
    assert found[0] == images / "a 1.jpg"
    assert found[1].samefile(tmp_path / "lists" / "b.jpg")
    assert found[2:] == (Path("c.jpg"), images / "a 1.jpg")
    with pytest.raises(ArgumentError, match=r'got \'trian\', did you mean "train"\?'):
        data.read_images("trian")


def test_image_list_errors(tmp_path: Path) -> None:
    path = write(tmp_path / "l", "\n\nno.jpg\n")
    with pytest.raises(ConfigError) as caught:
        read_image_list(path)
    assert str(caught.value).startswith(f"{path}:3: no such file: 'no.jpg', tried ")
    assert caught.value.message.endswith(" and 'no.jpg'")
    with pytest.raises(ConfigSyntaxError, match="no image in this list"):
        read_image_list(write(path, "\n \n"))
    with pytest.raises(ConfigError, match="no such file"):
        read_image_list(tmp_path / "nothing")


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_image_names_in_any_encoding(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    try:
        (tmp_path / name).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert read_image_list(write(tmp_path / "l", b"caf\xe9.jpg")) == (tmp_path / name,)


@given(st.text(st.sampled_from("abc=#; \t\r\n,0[]\ud800é\0"), max_size=100))
@pytest.mark.filterwarnings("ignore::darkpy.errors.UnusedOptionWarning")
def test_any_text_gives_a_data_file_or_a_darkpy_error(content: str) -> None:
    try:
        data = parse_data("classes=3\n" + content)
    except DarkpyError as error:
        assert str(error).startswith("<string>:")
        return
    assert data.classes == 3
