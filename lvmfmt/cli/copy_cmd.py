"""`lvmfmt copy`: copy an image, holes included."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress
from pathlib import Path

from ..block.copying.digests import NAMES
from ..units import SECTOR
from .operands import add_force, add_json
from .output import amount, json_progress, print_json, progress

_EXAMPLES = """\
examples:
  lvmfmt copy disks/hdisk0.img spare.img            replaces spare.img
  lvmfmt copy disks/hdisk0.img spare.img --verify   and compares the two before it does
  lvmfmt copy hdisk0.img spare.img --zero-detect    blocks of zeros become holes
  lvmfmt copy hdisk0.img spare.img --digest sha256 --manifest spare.json

Only data is copied, holes stay holes. DST keeps its old content until the copy is complete and on stable storage.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("source", metavar="SRC", help="image to read")
    parser.add_argument("target", metavar="DST", help="file to replace")
    parser.add_argument("--verify", action="store_true", help="read both again, DST from its device, and compare them")
    parser.add_argument("--direct", action="store_true", help="write around the system's cache, flushed or not")
    parser.add_argument("--no-flush", action="store_true", help="do not wait for stable storage")
    parser.add_argument(
        "--digest",
        action="append",
        default=[],
        choices=NAMES,
        help="print a digest of the image; may be repeated",
    )
    parser.add_argument("--manifest", metavar="FILE", help="write CRCs of all data, for lvmfmt verify")
    parser.add_argument("--zero-detect", action="store_true", help="make blocks of zeros holes")
    parser.add_argument("--progress", choices=["json"], help="a JSON line a second on standard error")
    add_force(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Copy, and say what was moved."""
    from ..block.copying.image import copy_image

    start = time.monotonic()
    with (json_progress if args.progress else progress)(f"copy {args.source}", _allocated(args.source)) as told:
        report = copy_image(
            args.source,
            args.target,
            verify=args.verify,
            flush=not args.no_flush,
            direct=args.direct or None,
            find_zeros=args.zero_detect,
            digests=args.digest,
            manifest=args.manifest,
            progress=told,
        )
    if args.json:
        print_json(report._asdict())
    else:
        took = amount(report.bytes_copied, time.monotonic() - start)
        by = f", by {' and '.join(report.ways)}" if report.ways else ""
        print(f"copied {took}{by}; {report.size - report.bytes_copied} bytes are holes")
        for name, value in report.digests.items():
            print(f"{name} {value}")
    for fallback in report.fallbacks:
        print(f"lvmfmt: {fallback}", file=sys.stderr)
    if report.verified == "cache":
        print(f"lvmfmt: {args.target}: could not be read from its device; the cache was compared", file=sys.stderr)
    if report.torn:
        print(f"lvmfmt: {args.source}: in use while it was copied; the copy may be torn", file=sys.stderr)
    return 0


def _allocated(path: str) -> int | None:
    """About how many bytes of data an image has; listing its extents for that would take as long as a copy may."""
    with suppress(OSError):
        return Path(path).stat().st_blocks * SECTOR or None
    return None
