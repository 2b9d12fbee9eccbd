"""`lvmfmt copy`: copy an image, holes included."""

from __future__ import annotations

import argparse
import sys
import time

from .. import block
from .operands import add_json
from .output import amount, print_json, progress

_EXAMPLES = """\
examples:
  lvmfmt copy disks/hdisk0.img spare.img            replaces spare.img
  lvmfmt copy disks/hdisk0.img spare.img --verify   and compares the two before it does

Only data is copied, holes stay holes. DST keeps its old content until the copy is complete.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("source", metavar="SRC", help="image to read")
    parser.add_argument("target", metavar="DST", help="file to replace")
    parser.add_argument("--verify", action="store_true", help="read both again and compare them")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Copy, and say what was moved."""
    from ..block.copy import copy_image

    with block.open(args.source) as device:
        data = sum(e.length for e in device.extents() if e.is_data)
    start = time.monotonic()
    with progress(f"copy {args.source}", data) as told:
        report = copy_image(args.source, args.target, verify=args.verify, progress=told)
    if args.json:
        print_json(report)
    else:
        took = amount(report.bytes_copied, time.monotonic() - start)
        print(f"copied {took}; {report.size - report.bytes_copied} bytes are holes")
    if report.torn:
        print(f"lvmfmt: {args.source}: in use while it was copied; the copy may be torn", file=sys.stderr)
    return 0
