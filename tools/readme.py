"""Write the generated sections of README.md anew; with --check only say whether they are up to date.

example: tools/readme --check
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

from lvmfmt.cli.main import COMMANDS
from lvmfmt.host.registry import MODULES
from lvmfmt.layout.catalog import FAMILIES

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"
_AREAS = {
    "volume_groups": "Volume groups",
    "file_systems": "File systems",
    "backup_archives": "Backup archives",
    "host": "Host",
    "inspect": "Inspect",
}


def support() -> str:
    """The table of what works and what does not."""
    data = tomllib.loads((PROJECT / "lvmfmt" / "support.toml").read_text())
    if set(data) != set(_AREAS):
        raise ValueError(f"support.toml has the areas {sorted(data)}, not {sorted(_AREAS)}")
    lines = ["| area | what | works | note |", "|---|---|---|---|"]
    for area, title in _AREAS.items():
        for entry in data[area]:
            if entry["state"] not in ("yes", "part", "no"):
                raise ValueError(f"{entry['what']}: state {entry['state']!r}")
            lines.append(f"| {title} | {entry['what']} | {entry['state']} | {entry.get('note', '')} |")
    return "\n".join(lines)


def commands() -> str:
    """Our own commands and the emulated ones."""
    lines = ["| command | what it does |", "|---|---|"]
    lines += [f"| `lvmfmt {name}` | {summary} |" for name, summary in COMMANDS.items()]
    emulated = ", ".join(f"`{name}`" for name in sorted(MODULES))
    return "\n".join([*lines, "", f"AIX commands on a host (`lvmfmt host run DIR -- ...`): {emulated}."])


def structures() -> str:
    """How well the fields of the structures are known."""
    lines = ["| structures | number | fields A | B | C |", "|---|---:|---:|---:|---:|"]
    for title, records in FAMILIES.items():
        grades = [field.grade.value for record in records for field in record.fields()]
        counts = " | ".join(str(grades.count(grade)) for grade in "ABC")
        lines.append(f"| {title} | {len(records)} | {counts} |")
    return "\n".join(lines)


def generated(text: str) -> str:
    """README's text with its generated sections as they must be now."""
    for name, make in (("support", support), ("commands", commands), ("structures", structures)):
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.S)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"README.md must have one section {begin} ... {end}")
        section = f"{begin}\n\n{make()}\n\n{end}"
        text = pattern.sub(section.replace("\\", r"\\"), text)
    return text


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a section is out of date")
    args = parser.parse_args()
    old = README.read_text()
    new = generated(old)
    if new == old:
        return 0
    if args.check:
        print("README.md is out of date: run tools/readme", file=sys.stderr)
        return 1
    README.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
