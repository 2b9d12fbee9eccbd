"""README.md says what is so: its generated sections are up to date, and what it tells to type exists."""

import re
import runpy
from pathlib import Path

import pytest

from lvmfmt.cli import main as cli

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()


def test_generated_sections_are_up_to_date() -> None:
    tool = runpy.run_path(str(PROJECT / "tools" / "readme.py"))
    assert tool["generated"](README) == README


def test_every_command_line_in_the_readme_parses() -> None:
    lines = re.findall(r"^    lvmfmt (.+)$", README, re.M)
    assert lines
    for line in lines:
        words = line.split("#")[0].split("  ")[0].split()
        cli.parse(words)


@pytest.mark.parametrize("name", ["tools/demo", "tools/test", "tools/bench", "tools/readme", ".ci/run"])
def test_scripts_that_the_readme_names_can_be_run(name: str) -> None:
    assert name in README
    assert (PROJECT / name).stat().st_mode & 0o111


def test_links_to_files_of_the_project_exist() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (PROJECT / target).exists(), target
