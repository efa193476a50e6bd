"""The documentation stays true: generated pages are up to date, every Python example runs."""

from __future__ import annotations

import pkgutil
import re
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest

from layer_reference import layer_reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The README's example needs trained weights: test_readme.py runs it.
WITH_EXAMPLES = [
    page
    for page in PAGES
    if page != ROOT / "README.md" and BLOCK.search(page.read_text(encoding="utf-8"))
]
#: What a page may write in front of a path that it shortens.
BASES = (ROOT, ROOT / "darkpy", ROOT / "csrc", ROOT / "csrc" / "simd")
#: CHANGELOG.md has former names, walks.md those of files that a change would add.
WITH_PATHS = [page for page in PAGES if page.name not in ("CHANGELOG.md", "walks.md")]
#: In backticks like a path of the repository, but not one: a suffix, and a value in a user's cfg.
NO_PATHS = {".cfg", "data/9k.tree"}
SOURCES = sorted([*(ROOT / "darkpy").rglob("*.py"), *PAGES])
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_layer_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")
    assert written == layer_reference(), (
        "docs/layers.md is not what the declarations say: "
        "run python tools/layer_reference.py docs/layers.md"
    )


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_python_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example may write files
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": "example"}
    with np.errstate(all="raise", under="ignore"):
        for match in BLOCK.finditer(text):
            # Blank lines in front give a failing line the page's own number.
            lines_before = text.count("\n", 0, match.start(1))
            exec(compile("\n" * lines_before + match[1], str(page), "exec"), namespace)


def links(page: Path) -> list[str]:
    """Targets of the links to other files, or to a heading of the same one."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_files_lead_somewhere(page: Path) -> None:
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name} links to {target}"


def test_the_index_has_every_page() -> None:
    docs = ROOT / "docs"
    missing = {page.name for page in docs.glob("*.md")} - set(links(docs / "README.md"))
    assert missing == {"README.md"}, "docs/README.md lists every page but itself"


def folders() -> set[str]:
    """The folders of the repository that hold files of darkpy, and those of the packages."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()]
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."}
    found = {name for name in found if not any(fnmatch(name, pattern) for pattern in ignored)}
    files = [*(ROOT / "darkpy").rglob("*.py"), *(ROOT / "csrc").rglob("*.[ch]")]
    return found | {file.parent.relative_to(ROOT).as_posix() for file in files}


def folder_table() -> dict[str, str]:
    """The table "Folders" of design.md: path -> what is in it."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (`.*`) \| (.*) \|$", text.split("## Folders")[1].split("\n## ")[0], re.M
    )
    return {path: meaning for paths, meaning in rows for path in re.findall(r"`(.*?)`", paths)}


def test_the_design_has_every_folder() -> None:
    table = folder_table()
    assert [path for path in table if not (ROOT / path).is_dir()] == [], "there is no such folder"
    for folder in folders() - {"darkpy"}:  # its packages have rows
        first, last = "/".join(folder.split("/")[:2]), folder.split("/")[-1]
        assert first in table, f"design.md has no row for {first}"
        assert first == folder or f"`{last}`" in table[first].replace("/`", "`"), folder


def paths_in(page: Path) -> list[str]:
    """The paths of this repository that a page names in backticks; placeholders have capitals."""
    words = re.findall(r"`([\w./*-]+)`", FENCED.sub("", page.read_text(encoding="utf-8")))
    suffix, folder = r"\.(c|cfg|h|inc|md|pyi?|svg|toml)$", rf"({'|'.join(sorted(folders()))})/"
    named = [word for word in words if re.search(suffix, word) or re.match(folder, word)]
    return [word for word in named if not re.search(r"(NAME|FAMILY)", word)]


@pytest.mark.parametrize("page", WITH_PATHS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_paths_that_pages_name_exist(page: Path) -> None:
    for path in set(paths_in(page)) - NO_PATHS:
        bases = (page.parent, *BASES)
        assert any(any(base.glob(path)) for base in bases), f"{page.name}: there is no {path}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_names_of_darkpy_in_the_text_exist(path: Path) -> None:
    for name in re.findall(r"`(darkpy(?:\.\w+)+)`", path.read_text(encoding="utf-8")):
        if path.name != "CHANGELOG.md":  # it has former names
            assert pkgutil.resolve_name(name) is not None, f"{path.name}: there is no {name}"


def test_the_readme_lists_the_folders_that_there_are() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (listing,) = re.findall(r"^```\n(darkpy/ .*?)^```$", text, re.MULTILINE | re.DOTALL)
    there = folders()
    assert set(re.findall(r"(\w+)/", listing)) == {path.split("/")[0] for path in there}
    for package in ("darkpy", "csrc"):
        (line,) = (line for line in listing.splitlines() if line.startswith(f"{package}/"))
        inside = {path.split("/")[1] for path in there if path.startswith(f"{package}/")}
        assert inside <= set(re.findall(r"\w+", line)), package
