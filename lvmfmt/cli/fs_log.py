"""`lvmfmt fs logdump|logredo`: the log of a file system on an image or in a logical volume."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..errors import printable
from .operands import Commands, add_json, add_operands, add_volume, number, split, verb
from .output import print_json

if TYPE_CHECKING:
    from ..block import BlockDevice

_DUMP_EXAMPLES = """\
  lvmfmt fs logdump root.img
  lvmfmt fs logdump hdisk0.img hdisk1.img --lv hd8 --json
"""
_REDO_EXAMPLES = """\
  lvmfmt fs logredo root.img
  lvmfmt fs logredo hdisk0.img hdisk1.img --lv fslv00 --log loglv00
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    dump = verb(verbs, "logdump", "print what a log still holds, oldest first", examples=_DUMP_EXAMPLES)
    redo = verb(verbs, "logredo", "replay the log of a file system that was not unmounted", examples=_REDO_EXAMPLES)
    for parser in (dump, redo):
        add_operands(parser, "IMAGE", "disk or file-system image")
        add_volume(parser)
    add_json(dump)
    redo.add_argument("--log", metavar="NAME", help="external log: its logical volume with --lv, else its image")
    redo.add_argument("--minor", metavar="N", type=number, help="minor number of the file system in a shared log")
    dump.set_defaults(run=run_logdump)
    redo.set_defaults(run=run_logredo)


def run_logdump(args: argparse.Namespace) -> int:
    """Print every record that can be read."""
    images, _ = split(args.operands)
    from ..inspect.volume import open_volume
    from ..jfs2.log import Ring, find_any_log, history
    from ..jfs2.log.dump import lines, rows, superblock_row

    with open_volume(images, lv=args.lv, offset=args.offset) as device:
        log = find_any_log(device)
        records, reason = history(Ring(log))
        summary = superblock_row(log)
        if args.json:
            print_json({"log": summary, "records": rows(records), "before_the_oldest": reason})
            return 0
        print(" ".join(f"{key} {hex(value) if key in ('flag', 'end') else value}" for key, value in summary.items()))
        for line in lines(records):
            print(line)
    return 0


def run_logredo(args: argparse.Namespace) -> int:
    """Replay, and say what was done; findings where fsck is due."""
    from ..jfs2.log import redo

    with _opened(args) as (device, log):
        report = redo(device, log=log, aggregate=args.minor)
        print(
            f"{printable(device.name)}: {report.transactions} transactions in {report.records} records, "
            f"{report.pages} pages changed{'; fsck is due' if report.fsck_due else ''}"
        )
    return 1 if report.fsck_due else 0


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[tuple[BlockDevice, BlockDevice | None]]:
    """The file system that the operands mean, and its log where it is another volume; both writable."""
    images, _ = split(args.operands)
    from .. import block
    from ..inspect.volume import find_volume, open_volume

    with ExitStack() as stack:
        if args.lv is not None and args.log is not None:
            disks = [stack.enter_context(block.open(image, writable=True)) for image in images]
            yield find_volume(disks, args.lv), find_volume(disks, args.log)
            return
        log = None if args.log is None else stack.enter_context(block.open(args.log, writable=True))
        yield stack.enter_context(open_volume(images, lv=args.lv, offset=args.offset, writable=True)), log
