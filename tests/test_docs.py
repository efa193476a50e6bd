"""The documentation stays true: generated pages are up to date, every Python example runs."""

from __future__ import annotations

import re
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
