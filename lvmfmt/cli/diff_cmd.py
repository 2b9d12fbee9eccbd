"""`lvmfmt diff`: which sectors of two states of a disk differ, and what they belong to."""

from __future__ import annotations

import argparse

from .. import inspect
from .operands import add_json
from .output import print_json, print_table

_EXAMPLES = """\
examples:
  lvmfmt diff hdisk0.before.img hdisk0.img
  lvmfmt diff hdisk0.before.img hdisk0.img --group hdisk1.img     the other disks of its group, to find all owners
  lvmfmt diff hdisk0.before.img hdisk0.img --json

exit status: 0 the same bytes, 1 other bytes
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("before", metavar="BEFORE", help="image of the disk as it was")
    parser.add_argument("after", metavar="AFTER", help="image of the disk as it is")
    parser.add_argument("--group", nargs="+", default=[], metavar="IMAGE", help="other disks of its volume group")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, and print the owners of what differs."""
    found = inspect.diff(args.before, args.after, args.group)
    if args.json:
        print_json({**vars(found), "bytes": found.bytes})
    elif found.changes:
        print(f"{found.bytes} of {found.size} bytes differ")
        rows = [(f"{c.first:#x}", c.sectors, c.bytes, c.owner) for c in found.changes]
        print_table(("FIRST BYTE", "SECTORS", "BYTES", "OWNER"), rows, right=("FIRST BYTE", "SECTORS", "BYTES"))
    else:
        print("the images have the same bytes")
    return 1 if found.changes else 0
