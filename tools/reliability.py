"""`fixtures/reliability.md`: totals of long runs, one section for each tool, written by the tools."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "fixtures" / "reliability.md"
_HEAD = "# What long runs have found\n\nWritten by the tools in `tools/`, each its own section.\n"


def commit() -> str:
    """The commit that is tried."""
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=FILE.parent, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def write_section(title: str, head: str, rows: Iterable[tuple[str, object]], more: str = "") -> None:
    """Replace a section, or add it.

    Args:
        title: its heading.
        head: a line on how it was made: command, seed, commit.
        rows: what was counted, and the count.
        more: what follows them.
    """
    text = FILE.read_text() if FILE.exists() else _HEAD
    table = "".join(f"| {what} | {count} |\n" for what, count in rows)
    section = f"\n## {title}\n\n{head}\n\n| what | count |\n|---|---:|\n{table}{more}"
    others = re.sub(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL)
    FILE.write_text(others + section)


def read_section(title: str) -> tuple[str, dict[str, int]]:
    """The lines on how a section was made, and its counts; nothing if it is not there."""
    text = FILE.read_text() if FILE.exists() else _HEAD
    found = re.search(rf"\n## {re.escape(title)}\n\n(.*?)\n\n\|(.*?)(?=\n## |\Z)", text, flags=re.DOTALL)
    if found is None:
        return "", {}
    return found[1], {what: int(count) for what, count in re.findall(r"^\| (.*?) \| (\d+) \|$", found[2], re.MULTILINE)}


def read_more(title: str) -> dict[str, list[int]]:
    """The counts of the table that follows the totals of a section, by their name; nothing if there is none."""
    text = FILE.read_text() if FILE.exists() else _HEAD
    found = re.search(rf"\n## {re.escape(title)}\n(.*?)(?=\n## |\Z)", text, flags=re.DOTALL)
    rows = re.findall(r"^(\w[^|\n]*?)((?: \| \d+)+)$", found[1] if found else "", re.MULTILINE)
    return {name: [int(count) for count in counts.split("|")[1:]] for name, counts in rows}
