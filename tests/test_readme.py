"""README.md and the documents say what is so: generated sections are up to date, and what they tell to type exists."""

import pkgutil
import re
import runpy
from pathlib import Path

import pytest

from lvmfmt.cli import main as cli
from lvmfmt.layout.catalog import CATALOG

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()
TOOL = runpy.run_path(str(PROJECT / "tools" / "readme.py"))
DOCUMENTS: list[Path] = TOOL["documents"]()


def name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_generated_sections_are_up_to_date(document: Path) -> None:
    assert TOOL["generated"](document.read_text()) == document.read_text(), "run tools/readme"


def test_every_generated_section_is_closed() -> None:
    for document in DOCUMENTS:
        marks = re.findall(r"<!-- (generated|end)", document.read_text())
        assert marks == ["generated", "end"] * (len(marks) // 2), name(document)


def test_every_structure_is_on_a_page() -> None:
    shown = set()
    for document in DOCUMENTS:
        for kind, record in re.findall(r"<!-- generated: (fields|both) (\w+) -->", document.read_text()):
            shown |= {record} if kind == "fields" else {f"j2_{record}", f"jfs1_{record}"}
    assert shown == set(CATALOG)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_command_line_parses(document: Path) -> None:
    for line in re.findall(r"^    lvmfmt (.+)$", document.read_text(), re.M):
        words = line.split("#")[0].split("  ")[0].split()
        if "--help" not in words:
            cli.parse(words)


def names(text: str) -> set[str]:
    """Dotted names of our own in a text; not names of files."""
    return set(re.findall(r"\blvmfmt(?:\.[a-zA-Z_]\w*)+(?!\w|\.py|/)", text))


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_names_of_our_own_in_documents_exist() -> None:
    documents = [*DOCUMENTS, PROJECT / "CONTRIBUTING.md", PROJECT / "lvmfmt" / "support.toml"]
    wrong = [(name(d), found) for d in documents for found in names(d.read_text()) if not exists(found)]
    assert [pair for pair in wrong if not pair[1].endswith(".undo")] == []


def test_paths_of_our_own_in_documents_exist() -> None:
    for document in [*DOCUMENTS, PROJECT / "CONTRIBUTING.md", PROJECT / "SECURITY.md"]:
        for path in re.findall(r"`((?:lvmfmt|tests|tools|docs|fixtures)/[\w./*-]+)`", document.read_text()):
            assert list(PROJECT.glob(path)), (name(document), path)


def test_the_readme_is_short_and_has_commands() -> None:
    assert README.count("\n") <= 130
    assert len(re.findall(r"^    lvmfmt ", README, re.M)) >= 5


def test_the_imports_of_python_examples_work() -> None:
    for document in DOCUMENTS:
        for example in re.findall(r"^```python\n(.*?)^```", document.read_text(), re.M | re.S):
            for line in re.findall(r"^(?:from|import) .*$", example, re.M):
                exec(line, {})


@pytest.mark.parametrize(
    "script", ["tools/demo", "tools/test", "tools/docs", "tools/bench", "tools/readme", "tools/release", ".ci/run"]
)
def test_scripts_that_the_readme_names_can_be_run(script: str) -> None:
    assert script in README
    assert (PROJECT / script).stat().st_mode & 0o111


@pytest.mark.parametrize("document", [*DOCUMENTS, PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md"], ids=name)
def test_links_to_files_of_the_project_exist(document: Path) -> None:
    made = {"contributing.md", "security.md", "changelog.md"}  # by tools/docs_pages.py
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists() or Path(target).name in made, target


def test_the_changelog_has_the_version_with_a_date() -> None:
    from lvmfmt import __version__

    changes = (PROJECT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(__version__)}, \d{{4}}-\d\d-\d\d$", changes, re.M)
