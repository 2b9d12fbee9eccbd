"""`lvmfmt hexdump`: one structure of an image, field by field."""

from __future__ import annotations

import argparse

from .. import inspect, system
from ..units import SECTOR
from .doubting import telling
from .operands import add_json, add_operands, number, split
from .output import print_json, print_table

_EXAMPLES = """\
examples:
  lvmfmt hexdump hdisk0.img boot_record
  lvmfmt hexdump hdisk0.img vgda_header --copy 2
  lvmfmt hexdump hdisk0.img lv_entry --psn 137
  lvmfmt hexdump hdisk0.img hdisk1.img j2_superblock --lv hd4
  lvmfmt hexdump root.img j2_inode --offset 0x10000

`lvmfmt layout` lists the structures.
"""
_BYTES_A_LINE = 16


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    add_operands(parser, "OPERAND", "IMAGE... STRUCTURE")
    parser.add_argument("--lv", metavar="NAME", help="look inside this logical volume")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--offset", metavar="N", type=number, help="byte where the structure begins")
    where.add_argument("--psn", metavar="N", type=number, help="sector where the structure begins")
    where.add_argument("--copy", metavar="N", type=number, help="which copy of it (default: 1)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the dump."""
    from ..layout.catalog import structure

    images, (name,) = split(args.operands, "STRUCTURE")
    record = structure(name)
    offset = args.psn * SECTOR if args.psn is not None else args.offset
    with system.open_volume(images, lv=args.lv, tell=telling(args)) as device:
        result = inspect.dump(device, record, offset=offset, copy=1 if args.copy is None else args.copy)
    if args.json:
        print_json(result)
        return 0
    print(f"{result.image}: {result.structure} at byte {result.offset:#x}: {result.title} ({result.size} bytes)")
    rows = [row for field in result.fields for row in _rows(field)]
    print_table(("OFFSET", "BYTES", "FIELD", "VALUE", "GRADE", "MEANING"), rows)
    return 0


def _rows(field: inspect.FieldDump) -> list[tuple[str, str, str, str, str, str]]:
    data = field.bytes
    if len(data) > _BYTES_A_LINE and not any(data):
        lines = [f"00 x {len(data)}"]
    else:
        lines = [data[i : i + _BYTES_A_LINE].hex(" ") for i in range(0, len(data), _BYTES_A_LINE)]
    first = (f"{field.offset:08x}", lines[0], field.name, field.value, field.grade, field.meaning)
    rest = [(f"{field.offset + _BYTES_A_LINE * (i + 1):08x}", line, "", "", "", "") for i, line in enumerate(lines[1:])]
    return [first, *rest]
