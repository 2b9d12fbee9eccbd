"""Replaying transcripts of fixtures/transcripts/article against a host, line by line."""

import io
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lvmfmt.host import Host

TRANSCRIPTS = Path(__file__).parents[2] / "fixtures" / "transcripts"
FOLDER = TRANSCRIPTS / "article"
PROMPT = re.compile(r" *(?:bash-2\.05a)?# +(?=\S)")


@dataclass
class Step:
    """A command with the lines it printed, or (`! ...`) something that the article tells in words."""

    command: str
    action: bool = False
    printed: list[str] = field(default_factory=list)


class Unmatched:
    """The table of what does not match; it notes which entries were needed."""

    def __init__(self, transcript: str) -> None:
        table = tomllib.loads((FOLDER / "unmatched.toml").read_text())
        self.transcript = transcript
        self.rows = {
            kind: [row for row in rows if transcript in row.get("transcripts", [row.get("transcript")])]
            for kind, rows in table.items()
        }
        assert all(row["reason"] for rows in table.values() for row in rows)
        self.used: set[str] = set()

    def take(self, kind: str, wanted: Callable[[dict], bool]) -> dict | None:  # type: ignore[type-arg]
        for row in self.rows.get(kind, []):
            if wanted(row):
                self.used.add(str(row))
                return row
        return None

    @property
    def unused(self) -> list[dict]:  # type: ignore[type-arg]
        return [row for rows in self.rows.values() for row in rows if str(row) not in self.used]


def mended(lines: list[str], table: Unmatched) -> list[str]:
    """The lines with what is in the table as typographic set right."""
    result: list[str] = []
    at = 0
    while at < len(lines):
        here = at
        row = table.take(
            "typographic", lambda row, here=here: lines[here : here + len(row["printed"])] == row["printed"]
        )  # type: ignore[misc]
        result += row["meant"] if row else [lines[at]]
        at += len(row["printed"]) if row else 1
    return result


def steps(name: str, table: Unmatched) -> list[Step]:
    """The steps of a transcript of the article, with what is torn in it set right."""
    return parse(mended((FOLDER / f"{name}.txt").read_text().splitlines(), table))


def parse(lines: list[str]) -> list[Step]:
    found: list[Step] = []
    for line in lines:
        prompt = PROMPT.match(line)
        if prompt:
            found.append(Step(line[prompt.end() :]))
        elif line.startswith("! "):
            found.append(Step(line[2:], action=True))
        else:
            found[-1].printed.append(line)
    return found


def run(path: Path, command: str) -> list[str]:
    """Both streams in the order in which they were written, without blanks at the ends of lines."""
    out = io.StringIO()
    status = Host.open(path).run(command.split(), out, out)
    assert status == 0, (command, out.getvalue())
    return [line.rstrip() for line in out.getvalue().splitlines()]


def compare(step: Step, printed: list[str], table: Unmatched) -> None:
    """Hold what was printed against what the article shows."""
    if not step.printed:
        if printed:
            assert table.take("silent", lambda row: row["command"] == step.command), (step.command, printed)
        return
    numbers = table.take("numbers", lambda row: row["command"] == step.command)
    if numbers:
        assert [columns(line) for line in printed] == [columns(line) for line in step.printed]
        return
    expected: list[str] = []
    at = 0
    while at < len(step.printed):
        here = at
        row = table.take(
            "elided",
            lambda row, here=here: step.printed[here : here + len(row["printed"])] == row["printed"],  # type: ignore[misc]
        )
        expected += row["left_out"] if row else [step.printed[at]]
        at += len(row["printed"]) if row else 1
    assert printed == expected, step.command


def columns(row: str) -> tuple[str, ...]:
    """Of a row of df: device, size, mount point."""
    words = row.split()
    return (words[0], words[1], words[-1])


def replay(path: Path, name: str, actions: Mapping[str, Callable[[], None]]) -> list[list[str]]:
    """Run a transcript on a host; returns the listings of lspv."""
    table = Unmatched(name)
    listings = []
    for step in steps(name, table):
        if step.action:
            actions[step.command]()
            continue
        printed = run(path, step.command)
        compare(step, printed, table)
        if step.command == "lspv":
            listings.append(printed)
    assert table.unused == []
    return listings
