"""`lvmfmt fs logdump|logredo`: the log of a file system on an image or in a logical volume."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .. import block, system
from ..errors import OperationRefused
from ..escaping import printable
from .doubting import telling
from .operands import Commands, add_force, add_json, add_log, add_operands, add_volume, number, numbers_of, split, verb
from .output import print_json

if TYPE_CHECKING:
    from ..jfs2.log import RedoReport

_DUMP_EXAMPLES = """\
  lvmfmt fs logdump root.img
  lvmfmt fs logdump hdisk0.img hdisk1.img --lv hd8 --json
"""
_REDO_EXAMPLES = """\
  lvmfmt fs logredo root.img
  lvmfmt fs logredo hdisk0.img hdisk1.img --lv fslv00
  lvmfmt fs logredo hdisk0.img hdisk1.img --all --log hd8
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    dump = verb(verbs, "logdump", "print what a log still holds, oldest first", examples=_DUMP_EXAMPLES)
    redo = verb(verbs, "logredo", "replay the log of a file system that was not unmounted", examples=_REDO_EXAMPLES)
    for parser in (dump, redo):
        add_operands(parser, "IMAGE", "disk or file-system image")
        add_volume(parser)
    add_json(dump)
    add_log(redo)
    add_force(redo)
    redo.add_argument("--minor", metavar="N", type=number, help="minor number of the file system in a shared log")
    redo.add_argument("--all", action="store_true", help="every file system that the log volume --log NAME lists")
    dump.set_defaults(run=run_logdump)
    redo.set_defaults(run=run_logredo)


def run_logdump(args: argparse.Namespace) -> int:
    """Print every record that can be read."""
    images, _ = split(args.operands)
    from ..jfs2.log import Ring, find_any_log, history
    from ..jfs2.log.dump import lines, rows, superblock_row

    with system.open_volume(
        images, lv=args.lv, offset=args.offset, numbers=numbers_of(args, images), tell=telling(args)
    ) as device:
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
    images, _ = split(args.operands)
    with ExitStack() as stack:
        reports = list(_replay_all(args, images, stack) if args.all else _replay_one(args, images, stack))
    for name, report in reports:
        print(
            f"{printable(name)}: {report.transactions} transactions in {report.records} records, "
            f"{report.pages} pages changed{'; fsck is due' if report.fsck_due else ''}"
        )
    return 1 if any(report.fsck_due for _, report in reports) else 0


def _replay_one(args: argparse.Namespace, images: list[str], stack: ExitStack) -> Iterator[tuple[str, RedoReport]]:
    """Replay for the file system that the operands mean."""
    from ..jfs2.log import redo

    opened = system.open_place(
        images, lv=args.lv, offset=args.offset, numbers=numbers_of(args, images), log=args.log, writable=True
    )
    on = stack.enter_context(opened)
    aggregate = on.aggregate if args.minor is None else args.minor
    yield on.device.name, redo(on.device, log=on.log, aggregate=aggregate)


def _replay_all(args: argparse.Namespace, images: list[str], stack: ExitStack) -> Iterator[tuple[str, RedoReport]]:
    """Replay for every file system that a log volume lists, by the minor numbers of the logical volumes beside it."""
    from ..jfs2.log import active_members, find_any_log, redo_shared

    if args.log is None or args.lv is not None:
        raise OperationRefused("--all goes with --log NAME, the logical volume of the log, and without --lv")
    disks = stack.enter_context(block.opened_all(images, writable=True))
    group, volume = system.find_logical_volume(system.open_groups(disks), args.log)
    log = volume.device
    by_minor = {v.minor: v for v in group.logical_volumes.values()}
    members = {minor: by_minor[minor] for minor in active_members(find_any_log(log)) if minor in by_minor}
    reports = redo_shared(log, {minor: v.device for minor, v in members.items()})
    yield from ((members[minor].name, report) for minor, report in reports.items())
