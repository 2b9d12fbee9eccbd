"""`lvmfmt fs fsck`: check and repair a file system on an image or in a volume, in the phases that AIX prints."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager

from .. import block, jfs2, system
from ..errors import OperationRefused
from ..escaping import printable
from ..origin import FixedOrigin, seeded_or_system
from .doubting import telling
from .operands import Commands, add_force, add_json, add_log, add_operands, add_volume, numbers_of, split, verb
from .output import print_json

_EXAMPLES = """\
  lvmfmt fs fsck root.img
  lvmfmt fs fsck -y root.img --undo before.undo
  lvmfmt fs fsck -p hdisk0.img hdisk1.img --lv hd4
  lvmfmt fs fsck hdisk0.img hdisk1.img --lv fslv00 --log loglv00 --json

  -n  write nothing and say what -y would do (this is what happens without a flag, too)
  -p  repair what follows from something sound; if anything has to be decided, write nothing
  -y  repair everything: replay the log, build maps, trees and directories anew, name orphans in /lost+found
  -f  look at a file system that says that it is clean with -p, too

A repair that was stopped is finished by another one. --undo writes, before the first change, a file that puts the old
bytes back (lvmfmt undo FILE) once the repair is finished. Exit status 0: no error (there may be warnings), 1: errors.
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
    mode = fsck.add_mutually_exclusive_group()
    mode.add_argument("-n", dest="answer", action="store_const", const="no", help="write nothing (default)")
    mode.add_argument("-y", dest="answer", action="store_const", const="yes", help="repair everything")
    mode.add_argument("-p", dest="answer", action="store_const", const="preen", help="repair what needs no decision")
    fsck.add_argument("-f", dest="force", action="store_true", help="with -p: look at a clean file system, too")
    fsck.add_argument("--undo", metavar="FILE", help="undo file to make (with -y or -p)")
    add_log(fsck)
    add_force(fsck)
    fsck.add_argument("--seed", type=int, help="take the time stamps of what is made from this number")
    add_json(fsck)
    fsck.set_defaults(run=run_fsck, answer="no")


def run_fsck(args: argparse.Namespace) -> int:
    """Check, repair if asked, and print what breaks a rule and what was done about it."""
    from ..jfs2.repairing import exit_status

    answer = jfs2.Answer(args.answer)
    if args.undo and answer is jfs2.Answer.NO:
        raise OperationRefused("--undo goes with -y or -p")
    origin = seeded_or_system(args.seed)
    now = origin.now()
    if args.undo is not None:
        _save_undo(args, answer, now)
    phases = None if args.json else _Phases()
    with _opened(args, writable=answer is not jfs2.Answer.NO) as on:
        if phases is not None:
            print(f"The current volume is: {printable(on.device.name)}")
        report = jfs2.repair(
            on.device, origin=FixedOrigin(now), log=on.log, aggregate=on.aggregate, answer=answer,
            force=_forced(args, answer), progress=None if phases is None else phases.tell,
        )  # fmt: skip
    if args.json:
        print_json(
            {
                "clean": report.is_clean,
                "aix_exit_status": exit_status(report),
                **vars(report.found),
                "notes": [*report.notes, *report.found.notes],
                "fixes": report.plan.fixes,
                "fix_counts": report.plan.counts,
                "written": report.written,
                "failures": report.failures,
                "left": report.left.findings if report.written else report.found.findings,
            }
        )
    else:
        _print(report.found)
        _print_fixes(report, answer is jfs2.Answer.PREEN)
    return 0 if report.is_clean else 1


def _save_undo(args: argparse.Namespace, answer: jfs2.Answer, now: int) -> None:
    """Rehearse the repair on overlays of the images, and write the undo file of all that it writes."""
    from ..block.overlay import Overlay
    from ..block.trace import Trace
    from ..block.undo import save, traced

    traces: list[tuple[block.BlockDevice, Trace]] = []

    def layer(image: block.BlockDevice) -> block.BlockDevice:
        traces.append((image, Trace(Overlay(image))))
        return traces[-1][1]

    with _opened(args, writable=False, layer=layer) as on:
        jfs2.repair(
            on.device,
            origin=FixedOrigin(now),
            log=on.log,
            aggregate=on.aggregate,
            answer=answer,
            force=_forced(args, answer),
        )
        if rewrites := [rewrite for image, trace in traces for rewrite in traced(image, trace.events)]:
            save(args.undo, rewrites)


def _forced(args: argparse.Namespace, answer: jfs2.Answer) -> bool:
    """Whether a file system that says that it is clean is looked at: by all but a preen."""
    return bool(args.force) or answer.value != "preen"


def _opened(
    args: argparse.Namespace, *, writable: bool, layer: Callable[[block.BlockDevice], block.BlockDevice] | None = None
) -> AbstractContextManager[system.FileSystemPlace]:
    """The file system that the operands mean with its log; `layer` goes over each image."""
    images, _ = split(args.operands)

    where = {"lv": args.lv, "offset": args.offset, "log": args.log, "numbers": numbers_of(args, images)}
    return system.open_place(images, **where, writable=writable, layer=layer, tell=telling(args))


class _Phases:
    """Prints the heading of each phase when it begins."""

    def __init__(self) -> None:
        self._last = 0

    def tell(self, phase: int, done: int, total: int) -> None:
        while self._last < phase:
            self._last += 1
            print(f"*** Phase {self._last} - {_PHASES[self._last - 1]}", flush=True)


def _print(report: jfs2.Report) -> None:
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
        print(f"File system is not clean: {report.errors} errors, {warnings} warnings.")
    else:
        print(f"File system is clean{f', {warnings} warnings' if warnings else ''}.")


def _print_fixes(report: jfs2.RepairReport, preen: bool) -> None:
    from ..jfs2.repairing import KINDS

    for note in report.notes:
        print(f"Note: {printable(note)}")
    for fix in report.plan.fixes:
        print(f"{'fixed' if report.written else 'would fix'}: {fix.kind}: {fix.text}")
    if rest := report.plan.counts.total() - len(report.plan.fixes):
        print(f"{rest} more fixes are not listed")
    for failure in report.failures:
        print(f"not repaired: {printable(failure)}")
    if not report.plan.counts:
        return
    if not report.written:
        decided = [kind for kind in report.plan.counts if not KINDS[kind].derived]
        if preen and decided:
            print(f"Nothing was written: {', '.join(decided)} need a decision; run fsck -y.")
        else:
            print("Nothing was written; fsck -y does the above.")
    elif report.left.is_clean:
        print("All observed inconsistencies have been repaired.")
    else:
        print(f"{report.left.errors} errors were left:")
        for finding in report.left.findings:
            print(_line(finding))


def _line(finding: jfs2.Finding) -> str:
    field = ".".join(part for part in (finding.structure, finding.field) if part)
    offset = "" if finding.offset is None else f" at byte {finding.offset:#x}"
    place = f" ({field}{offset})" if field or offset else ""
    return f"{finding.severity}: {finding.name} [{finding.number}]{place}: {finding.text}"
