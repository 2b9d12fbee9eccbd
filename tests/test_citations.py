"""Every citation, `[jfs2 2.5]`, resolves to a place in docs/formats; forms that nothing can follow are refused."""

import re
import runpy
from pathlib import Path

import pytest

from lvmfmt.host.messages import catalogue
from lvmfmt.jfs2.checking.catalogue import CHECKS
from lvmfmt.lvm import RULES

PROJECT = Path(__file__).resolve().parent.parent
TOOL = runpy.run_path(str(PROJECT / "tools" / "citations.py"))
FOLDERS = ("lvmfmt", "tests", "tools", "docs", "fixtures")
SUFFIXES = {".py", ".pyi", ".toml", ".md", ".sh", ""}
OURSELVES = {PROJECT / "tools" / "citations.py", Path(__file__)}


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*") if path.suffix in SUFFIXES]
    return sorted(path for path in found if path.is_file() and path not in OURSELVES)


def test_every_citation_resolves() -> None:
    wrong = [
        f"{path.relative_to(PROJECT)}:{line}: {what}"
        for path in sources()
        for line, what in TOOL["wrong"](path.read_text())
    ]
    assert wrong == []


def test_there_are_citations() -> None:
    cited = [path for path in sources() if TOOL["CITATION"].search(path.read_text())]
    assert len(cited) > 20


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("[jfs2 2.5]", ["2.5"]),
        ("[lvm 8.3, 8.4]", ["8.3", "8.4"]),
        ("[jfs2 3.2, invariants 13, 84 to 86]", ["3.2", "invariant-13", "invariant-84", "invariant-86"]),
        ("[jfs2 invariants 16 and 52 to 59]", ["invariant-16", "invariant-52", "invariant-59"]),
        ("[jfs2 item 12, 2.10]", ["item-12", "2.10"]),
        ("[backup V3]", ["V3"]),
        ("[lvm vector 9]", ["vector-9"]),
        ("[jfs2 2.4,\n    # 2.5]", ["2.4", "2.5"]),
    ],
)
def test_a_citation_is_taken_apart(text: str, places: list[str]) -> None:
    match = TOOL["CITATION"].fullmatch(text)
    assert match
    assert [place.anchor for place in TOOL["places"](match)] == places
    assert list(TOOL["wrong"](f"x {text}.")) == []


@pytest.mark.parametrize(
    "text",
    [
        "[jfs2 99]", "[jfs2 invariant 89]", "[lvm 8.4; 8.5]", "[jfs2 2.5 on]", "reference section 2.5",
        "lvm-format 8.3", "invariant 59", "(R)", "reference 5, item 12", "commands.md 4.4", "section 2.5", "chapter 4",
        "the places of the reference", "§ 5",
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_found(text: str) -> None:
    assert len(list(TOOL["wrong"](f"first line\nsee {text}."))) == 1
    assert next(TOOL["wrong"](f"first line\nsee {text}."))[0] == 2


def test_every_check_and_rule_has_a_place() -> None:
    assert {f"invariant-{check.number}" for check in CHECKS.values()} <= TOOL["anchors"]("jfs2")
    assert {f"rule-{name}" for name in RULES} <= TOOL["anchors"]("lvm")


def test_every_source_of_a_message_is_explained() -> None:
    marks = {message.mark for message in catalogue().values()}
    text = (TOOL["FORMATS"] / "commands.md").read_text()
    sources = text[text.index("{ #13 }") :]
    assert [mark for mark in marks if ":" in mark and mark.split(":")[1] not in sources] == []
    assert all(f"**[{mark}" in text or f"[{mark}]**" in text for mark in marks if ":" not in mark)


def test_every_page_has_each_anchor_once() -> None:
    for page in TOOL["PAGES"]:
        text = (TOOL["FORMATS"] / f"{page}.md").read_text()
        found = re.findall(r'\{ #([\w.-]+) \}|<a id="([\w.-]+)"></a>', text)
        anchors = [a or b for a, b in found]
        assert sorted(anchors) == sorted(set(anchors))


def test_links_are_made_outside_code_only() -> None:
    html = "<p>See [jfs2 2.5, invariants 60 to 72].</p><pre>[jfs2 2.5]</pre><code>[jfs2 1]</code>"
    made = TOOL["linked"](html, "../../")
    assert made.startswith('<p>See <a href="../../formats/jfs2/#2.5">[jfs2 2.5, invariants 60 to 72]</a>.</p>')
    assert made.endswith("<pre>[jfs2 2.5]</pre><code>[jfs2 1]</code>")
