"""Write the generated sections of README.md and of the pages in docs anew; with --check only compare.

A section lies between `<!-- generated: NAME ARGUMENTS -->` and `<!-- end -->`; `SECTIONS` says which there are.

example: tools/readme --check
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

from bench_report import speed_machine, speed_rows, speed_sentence
from reliability import read_section

from lvmfmt.cli.main import COMMANDS
from lvmfmt.host.messages import catalogue
from lvmfmt.host.registry import MODULES
from lvmfmt.jfs2.checking.catalogue import CHECKS
from lvmfmt.layout.catalog import CATALOG, FAMILIES
from lvmfmt.layout.record import Grade
from lvmfmt.layout.sources import LEGEND
from lvmfmt.lvm import RULES

PROJECT = Path(__file__).resolve().parent.parent
_AREAS = {
    "volume_groups": "Volume groups",
    "file_systems": "File systems",
    "backup_archives": "Backup archives",
    "host": "Host",
    "inspect": "Inspect",
}
_GRADES = {
    Grade.A: "seen in bytes that AIX wrote (of JFS1: that Linux wrote)",
    Grade.B: "published: shipped include files, GPL drivers, documents of vendors",
    Grade.C: "our own choice, because nothing is published",
}


def documents() -> list[Path]:
    """README.md and every page of the documentation."""
    return [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown; headers of numbers end with a colon, which aligns their columns to the right."""
    lines = [[header.rstrip(":") for header in headers], ["---:" if h.endswith(":") else "---" for h in headers]]
    lines += [[str(cell).replace("|", "\\|").replace(" * ", " \\* ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def support() -> str:
    """What works and what does not, from support.toml."""
    data = tomllib.loads((PROJECT / "lvmfmt" / "support.toml").read_text())
    if set(data) != set(_AREAS):
        raise ValueError(f"support.toml has the areas {sorted(data)}, not {sorted(_AREAS)}")
    entries = [(title, entry) for area, title in _AREAS.items() for entry in data[area]]
    if bad := [entry["what"] for _, entry in entries if entry["state"] not in ("yes", "part", "no")]:
        raise ValueError(f"states of support.toml are yes, part and no: {bad}")
    rows = [(title, entry["what"], entry["state"], entry.get("note", "")) for title, entry in entries]
    return table(("area", "what", "works", "note"), rows)


def supported() -> str:
    """How many things work, area by area."""
    data = tomllib.loads((PROJECT / "lvmfmt" / "support.toml").read_text())
    states = {title: [entry["state"] for entry in data[area]] for area, title in _AREAS.items()}
    rows = [(title, *(found.count(state) for state in ("yes", "part", "no"))) for title, found in states.items()]
    return table(("area", "works:", "in part:", "not:"), rows)


def commands() -> str:
    """Our own commands."""
    return table(("command", "what it does"), [(f"`lvmfmt {name}`", summary) for name, summary in COMMANDS.items()])


def emulated() -> str:
    """The commands of AIX that a host has."""
    return ", ".join(f"`{name}`" for name in sorted(MODULES)) + "."


def marks() -> str:
    """How sure the wording of the messages is."""
    found = [message.mark.split(":")[0] for message in catalogue().values()]
    return table(("mark", "messages:"), [(f"**{mark}**", found.count(mark)) for mark in sorted(set(found))])


def messages() -> str:
    """Every message of a host, by its number."""
    rows = [
        (m.number, m.mark, " / ".join(f"`{line.strip()}`" for line in m.text.strip().splitlines()))
        for m in sorted(catalogue().values(), key=lambda m: (m.number or "~", m.key))
    ]
    return table(("number", "mark", "text"), rows)


_LONG_RUNS = {
    "Mutated images": ("mutants in all", ("faults",)),
    "Faults of disks": ("faults that fired", ("tracebacks", "mixtures", "other failures")),
    "Dying disks under mirrors": ("a disk died under mirrors", ("tracebacks", "mixtures", "other failures")),
    "Damaged groups": (
        "groups that were damaged",
        ("repairs that wrote outside findings", "clean with a wrong map", "other faults"),
    ),
    "Damaged file systems": ("file systems that were damaged", ("faults",)),
    "Crash states of file systems": ("distinct crash images", ("failures",)),
    "Crash states across several disks": ("distinct crash images", ("failures",)),
}
"""Sections of fixtures/reliability.md: the row that counts what was tried, and those of what did not hold."""


def reliability() -> str:
    """What the recorded long runs have tried, and how often something did not hold."""
    known = {title: read_section(title)[1] for title in _LONG_RUNS}
    rows = [
        (title, f"{known[title][tried]:,}", sum(known[title].get(row, 0) for row in wrong))
        for title, (tried, wrong) in _LONG_RUNS.items()
        if known[title]
    ]
    return table(("recorded", "tried:", "did not hold:"), rows)


_SPEED = ("scenario", "measure", "who", "ours:", "peer:", "judged:", "spread:")


def speed() -> str:
    """The last measurements in a sentence."""
    return speed_sentence()


def speed_limits() -> str:
    """The machine of the last measurements, and what has a limit."""
    rows = speed_rows(True)
    return speed_machine() + ("\n\n" + table((*_SPEED, "limit:", "verdict"), rows) if rows else "")


def speed_rest() -> str:
    """What has none."""
    return table((*_SPEED, "verdict"), speed_rows(False))


def structures() -> str:
    """How well the fields of the structures are known, family by family."""
    rows = []
    for title, records in FAMILIES.items():
        grades = [field.grade for record in records for field in record.fields()]
        rows.append((title, len(records), *map(grades.count, Grade)))
    return table(("structures", "number:", "fields A:", "B:", "C:"), rows)


def grades() -> str:
    """What the grades mean."""
    return table(("grade", "meaning"), [(f"**{grade}**", meaning) for grade, meaning in _GRADES.items()])


def legend() -> str:
    """What the tags of sources stand for."""
    return table(("tag", "stands for"), [(f"**{tag}**", meaning) for tag, meaning in LEGEND.items()])


def fields(name: str) -> str:
    """The fields of one structure."""
    record = CATALOG[name]
    head = f'<a id="{name}"></a>**`{name}`**: {record.title}. {record.size} bytes. Place: {record.place}.'
    rows = [(f"{f.offset:#x}", f.size, f.type, f"`{f.name}`", f.meaning, f.grade, f.source) for f in record.fields()]
    return head + "\n\n" + table(("at:", "size:", "type", "field", "meaning", "grade", "source"), rows)


def both(name: str) -> str:
    """The fields of a structure that both dialects of JFS2 have, side by side."""
    records = [CATALOG[f"{dialect}_{name}"] for dialect in ("j2", "jfs1")]
    known = [{field.name: field for field in record.fields()} for record in records]
    rows = []
    for field in dict.fromkeys([*known[0], *known[1]]):
        found = [fields.get(field) for fields in known]
        cells = [(f"{f.offset:#x}", re.sub(r"(?<=\d)[bl]e\b", "", f.type)) if f else ("", "") for f in found]
        meanings = list(dict.fromkeys(f.meaning for f in found if f))
        meaning = meanings[0] if len(meanings) == 1 else f"J2: {meanings[0]}. JFS1: {meanings[1]}"
        grades = " / ".join(f"{f.grade} {f.source}" if f else "-" for f in found)
        rows.append((f"`{field}`", *cells[0], *cells[1], meaning, grades))
    titles = list(dict.fromkeys(record.title for record in records))
    place = " / ".join(dict.fromkeys(record.place for record in records))
    sizes = " and ".join(f'<a id="{r.name}"></a>**`{r.name}`** ({r.size} bytes)' for r in records)
    headers = ("field", "J2 at:", "type", "JFS1 at:", "type", "meaning", "known: J2 / JFS1")
    return f"{sizes}: {' / '.join(titles)}. Place: {place}.\n\n" + table(headers, rows)


def checks() -> str:
    """The named checks of a file system."""
    rows = [
        (f"[{check.number}](#invariant-{check.number})", f"`{name}`", check.meaning, "warning" if check.warning else "")
        for name, check in CHECKS.items()
    ]
    return table(("rule:", "check", "what holds", ""), rows)


def rules() -> str:
    """The named rules of a volume group."""
    rows = [
        (f'<a id="rule-{name}"></a>`{name}`', rule.severity, rule.meaning, rule.right, "yes" if rule.repair else "no")
        for name, rule in RULES.items()
    ]
    return table(("rule", "where broken", "what holds", "who is right", "repaired"), rows)


SECTIONS: dict[str, Callable[..., str]] = {
    make.__name__: make
    for make in (
        support, supported, commands, emulated, marks, messages, structures, grades, legend, fields, both, checks,
        reliability, rules, speed, speed_limits, speed_rest,
    )
}  # fmt: skip
"""Every kind of section by its name."""

_SECTION = re.compile(r"<!-- generated: (\w+)((?: \w+)*) -->.*?<!-- end -->", re.S)


def generated(text: str) -> str:
    """A document's text with its generated sections as they must be now."""

    def make(match: re.Match[str]) -> str:
        name, arguments = match[1], match[2]
        return f"<!-- generated: {name}{arguments} -->\n\n{SECTIONS[name](*arguments.split())}\n\n<!-- end -->"

    return _SECTION.sub(make, text)


def stale() -> list[Path]:
    """Documents with a section that is out of date."""
    return [path for path in documents() if generated(path.read_text()) != path.read_text()]


def rewrite() -> None:
    """Write what is out of date anew."""
    for path in stale():
        path.write_text(generated(path.read_text()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a section is out of date")
    args = parser.parse_args()
    if not args.check:
        rewrite()
    old = stale()
    for path in old:
        print(f"{path.relative_to(PROJECT)} is out of date: run tools/readme", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
