"""`lvmfmt copy`: copy an image, holes included."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..block.copying.digests import NAMES
from ..block.copying.partial import places_of
from ..block.imagefile import ImageFile
from ..errors import ImageIOError, LvmfmtError
from ..escaping import printable
from ..units import MIB, SECTOR
from .operands import add_force, add_json
from .output import amount, json_progress, print_json, print_table, progress

if TYPE_CHECKING:
    from ..block.copying.engine import UnreadRanges

_SHOWN = 50
"""Ranges that are printed at most; JSON and the map have all."""
_MOST_OWNED = 64 * MIB
"""Bytes whose owners are looked up at most, sector by sector."""

_EXAMPLES = """\
examples:
  lvmfmt copy disks/hdisk0.img spare.img            replaces spare.img
  lvmfmt copy disks/hdisk0.img spare.img --verify   and compares the two before it does
  lvmfmt copy hdisk0.img spare.img --zero-detect    blocks of zeros become holes
  lvmfmt copy hdisk0.img spare.img --digest sha256 --manifest spare.json
  lvmfmt copy hdisk0.img spare.img --resume         goes on with a copy that was interrupted

Only data is copied, holes stay holes. DST keeps its old content until the copy is complete and on stable storage.

What SRC cannot give is left out, and tried again in smaller pieces at the end. A copy that is interrupted, or that
misses something, stays beside DST as .DST.partial with a map, .DST.map or FILE of --map, in the format of GNU
ddrescue. --resume tries all that the map does not call copied. Without it the copy begins anew.

exit status: 0 DST is the same as SRC, 1 SRC cannot give all; what is missing is listed, 2 refused, 3 the system failed
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
    parser.add_argument("--resume", action="store_true", help="go on with what is there of a copy that did not end")
    parser.add_argument("--map", metavar="FILE", help="keep a map of what was copied in FILE, for ddrescuelog")
    parser.add_argument("--zero-detect", action="store_true", help="make blocks of zeros holes")
    parser.add_argument("--progress", choices=["json"], help="a JSON line a second on standard error")
    add_force(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Copy, and say what was moved."""
    from ..block.copying.engine import IncompleteCopy, UnreadRanges
    from ..block.copying.image import copy_image

    start = time.monotonic()
    shown = (json_progress if args.progress else progress)(f"copy {args.source}", _allocated(args.source))
    try:
        with _signals_end(), shown as told:
            report = copy_image(
                args.source,
                args.target,
                verify=args.verify,
                flush=not args.no_flush,
                direct=args.direct or None,
                find_zeros=args.zero_detect,
                digests=args.digest,
                manifest=args.manifest,
                map_file=args.map,
                resume=args.resume,
                progress=told,
            )
    except UnreadRanges as error:
        return _tell_missing(args, error)
    except (ImageIOError, KeyboardInterrupt, SystemExit) as error:
        if isinstance(error, IncompleteCopy):
            print(f"lvmfmt: not copied: {_ranges(error.left)}", file=sys.stderr)
        _tell_rest(args)
        raise
    if args.json:
        print_json(report._asdict())
    else:
        took = amount(report.bytes_copied, time.monotonic() - start)
        by = f", by {' and '.join(report.ways)}" if report.ways else ""
        rest = (
            f"{report.kept} bytes were there" if report.kept else f"{report.size - report.bytes_copied} bytes are holes"
        )
        print(f"copied {took}{by}; {rest}")
        for name, value in report.digests.items():
            print(f"{name} {value}")
    for fallback in report.fallbacks:
        print(f"lvmfmt: {fallback}", file=sys.stderr)
    if report.verified == "cache":
        print(f"lvmfmt: {args.target}: could not be read from its device; the cache was compared", file=sys.stderr)
    if report.torn:
        print(f"lvmfmt: {args.source}: in use while it was copied; the copy may be torn", file=sys.stderr)
    return 0


def _tell_missing(args: argparse.Namespace, error: UnreadRanges) -> int:
    """Say which ranges are not in the copy, and what lies there as far as the copy tells."""
    from ..inspect.changed import ChangedRange, changed_ranges

    partial, map_file = places_of(args.target, args.map)
    found = [ChangedRange(offset, length, []) for offset, length in error.left]
    if sum(one.length for one in found) <= _MOST_OWNED:
        with suppress(LvmfmtError), ImageFile(partial) as image:
            found = changed_ranges(image, [], error.left)
    if args.json:
        ranges = [one._asdict() for one in found]
        print_json({"missing": ranges, "partial": str(partial), "map": str(map_file)})
    else:
        rows = [(f"{one.offset:#x}", one.length, ", ".join(one.owners) or "unknown") for one in found[:_SHOWN]]
        print_table(("FIRST BYTE", "BYTES", "OWNER"), rows, right=("FIRST BYTE", "BYTES"))
        if len(found) > _SHOWN:
            print(f"and {len(found) - _SHOWN} more ranges, which the map has")
    missing = sum(length for _, length in error.left)
    print(f"lvmfmt: {printable(str(error))}", file=sys.stderr)
    print(f"lvmfmt: {missing} bytes could not be read; {printable(args.target)} was not written", file=sys.stderr)
    _tell_rest(args)
    return 1


def _tell_rest(args: argparse.Namespace) -> None:
    """Say where a copy that did not become complete lies."""
    partial, map_file = map(str, places_of(args.target, args.map))
    if Path(partial).exists() and Path(map_file).exists():
        text = f"what was copied is in {partial}, its map is {map_file}; --resume goes on"
        print(f"lvmfmt: {printable(text)}", file=sys.stderr)


def _ranges(left: Sequence[tuple[int, int]]) -> str:
    """Ranges of bytes in words."""
    shown = ", ".join(f"bytes {offset} to {offset + length}" for offset, length in left[:_SHOWN])
    return f"{shown} and {len(left) - _SHOWN} ranges more" if len(left) > _SHOWN else shown


@contextmanager
def _signals_end() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that it leaves what can be gone on with."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {}
    with suppress(ValueError):  # signals are the main thread's
        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _allocated(path: str) -> int | None:
    """About how many bytes of data an image has; listing its extents for that would take as long as a copy may."""
    with suppress(OSError):
        return Path(path).stat().st_blocks * SECTOR or None
    return None
