"""`lvmfmt fs fsck`: check a file system on an image or in a logical volume, in the phases that AIX prints."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..errors import printable
from .operands import Commands, add_json, add_operands, add_volume, split, verb
from .output import print_json

if TYPE_CHECKING:
    from ..block import BlockDevice
    from ..jfs2.check import Finding, Report

_EXAMPLES = """\
  lvmfmt fs fsck root.img
  lvmfmt fs fsck hdisk0.img hdisk1.img --lv hd4 --json
  lvmfmt fs fsck hdisk0.img hdisk1.img --lv fslv00 --log loglv00

Nothing is written. Exit status 0: no error (there may be warnings), 1: errors.
"""
_PHASES = (
    "Initial inode scan",
    "Process remaining directories",
    "Process remaining files",
    "Check inode allocation map",
    "Check block allocation map",
)


def register(verbs: Commands) -> None:
    """Add the command."""
    fsck = verb(verbs, "fsck", "check a file system against every rule of a consistent one", examples=_EXAMPLES)
    add_operands(fsck, "IMAGE", "disk or file-system image")
    add_volume(fsck)
    fsck.add_argument("-n", dest="dry", action="store_true", help="correct nothing, which is all that is possible yet")
    fsck.add_argument("--log", metavar="NAME", help="external log: its logical volume with --lv, else its image")
    add_json(fsck)
    fsck.set_defaults(run=run_fsck)


def run_fsck(args: argparse.Namespace) -> int:
    """Check, and print what breaks a rule."""
    from ..jfs2.check import check

    with _opened(args) as (device, log):
        if args.json:
            report = check(device, log=log)
            print_json({"clean": report.is_clean, "aix_exit_status": report.exit_status, **vars(report)})
        else:
            print(f"The current volume is: {printable(device.name)}")
            phases = _Phases()
            report = check(device, log=log, progress=phases.tell)
            _print(report)
    return 0 if report.is_clean else 1


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[tuple[BlockDevice, BlockDevice | None]]:
    """The file system that the operands mean, and its log where it is another volume; both only for reading."""
    images, _ = split(args.operands)
    from .. import block
    from ..inspect.volume import find_volume, open_volume

    with ExitStack() as stack:
        if args.lv is not None and args.log is not None:
            disks = [stack.enter_context(block.open(image)) for image in images]
            yield find_volume(disks, args.lv), find_volume(disks, args.log)
            return
        log = None if args.log is None else stack.enter_context(block.open(args.log))
        yield stack.enter_context(open_volume(images, lv=args.lv, offset=args.offset)), log


class _Phases:
    """Prints the heading of each phase when it begins."""

    def __init__(self) -> None:
        self._last = 0

    def tell(self, phase: int, done: int, total: int) -> None:
        while self._last < phase:
            self._last += 1
            print(f"*** Phase {self._last} - {_PHASES[self._last - 1]}", flush=True)


def _print(report: Report) -> None:
    for finding in report.findings:
        print(_line(finding))
    if report.omitted:
        print(f"{report.omitted} more findings are not listed")
    for note in report.notes:
        print(f"Note: {note}")
    s = report.statistics
    print(f"{s.inodes} inodes, {s.directories} of them directories; {s.used_blocks} of {s.blocks} blocks in use")
    warnings = report.counts.total() - report.errors
    if not report.is_clean:
        print(f"File system is not clean: {report.errors} errors, {warnings} warnings; nothing was corrected.")
    else:
        print(f"File system is clean{f', {warnings} warnings' if warnings else ''}.")


def _line(finding: Finding) -> str:
    field = ".".join(part for part in (finding.structure, finding.field) if part)
    offset = "" if finding.offset is None else f" at byte {finding.offset:#x}"
    place = f" ({field}{offset})" if field or offset else ""
    return f"{finding.severity}: {finding.name} [{finding.number}]{place}: {finding.text}"
