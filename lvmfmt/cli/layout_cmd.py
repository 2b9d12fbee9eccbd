"""`lvmfmt layout`: the structures that are declared, their fields, and how well each is known."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..layout.sources import LEGEND, legend
from .operands import add_json
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..layout.record import Record

_EXAMPLES = """\
examples:
  lvmfmt layout                        every structure
  lvmfmt layout vgda_header            its fields: offset, size, type, meaning, grade, source
  lvmfmt layout j2_superblock --json
  lvmfmt layout --legend               what the source tags stand for

grades: A seen in bytes that AIX wrote, B published layout, C our own choice because nothing is published
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="a structure")
    parser.add_argument("--legend", action="store_true", help="explain every source tag")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List structures, fields or source tags."""
    if args.legend:
        return _explain(LEGEND, args.json)
    from ..layout.catalog import structure

    return _list(args.json) if args.name is None else _show(structure(args.name), args.json)


def _explain(meanings: dict[str, str], json: bool) -> int:
    if json:
        print_json(meanings)
    else:
        print_table(("SOURCE", "STANDS FOR"), list(meanings.items()))
    return 0


def _list(json: bool) -> int:
    from ..layout.catalog import CATALOG

    if json:
        print_json([summary(record) for record in CATALOG.values()])
        return 0
    rows = [(r.name, r.size, *_counts(r), r.title) for r in CATALOG.values()]
    numbers = ("SIZE", "FIELDS", "A", "B", "C")
    print_table(("STRUCTURE", *numbers, "WHAT"), rows, right=numbers)
    return 0


def _show(record: Record, json: bool) -> int:
    fields = record.fields()
    sources = legend(f.source for f in fields)
    if json:
        print_json({**summary(record), "fields": [f._asdict() for f in fields], "sources": sources})
        return 0
    print(f"{record.name}: {record.title} ({record.size} bytes)")
    if record.place:
        print(f"place: {record.place}")
    rows = [(f"{f.offset:#x}", f.size, f.name, f.type, f.grade, f.source, f.meaning) for f in fields]
    print_table(("OFFSET", "SIZE", "FIELD", "TYPE", "GRADE", "SOURCE", "MEANING"), rows, right=("OFFSET", "SIZE"))
    print()
    return _explain(sources, json)


def summary(record: Record) -> dict[str, object]:
    """What a list of structures says of one."""
    fields, *grades = _counts(record)
    return {
        "name": record.name,
        "title": record.title,
        "place": record.place,
        "size": record.size,
        "fields": fields,
        "grades": dict(zip("ABC", grades, strict=True)),
    }


def _counts(record: Record) -> tuple[int, int, int, int]:
    """Number of fields, and of those of grade A, B and C."""
    grades = [f.grade.value for f in record.fields()]
    return len(grades), grades.count("A"), grades.count("B"), grades.count("C")
