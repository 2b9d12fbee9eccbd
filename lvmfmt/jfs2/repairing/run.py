"""`repair`: replay, check, mend, and write what was mended in an order that may be stopped anywhere.

Everything is worked out in memory first, on an overlay, and judged there by the checks: what is written is a state
that is known to be clean, or as near to it as it gets. Then it is written in five steps with a barrier after each:

1. the primary superblock, marked dirty;
2. what was built anew (directories, tree pages, copies of shared blocks), in blocks that nobody owned;
3. inodes, attributes and the log in place, a sector at a time: an inode switches from its old content to the new;
4. maps: the aggregate's tables, the inode maps and the block map, and the secondary superblock;
5. the primary superblock, clean.

A stop leaves a file system that is marked dirty, every inode of which is as it was or as it is to be. Maps and counts
follow from the inodes, and each decision from the inodes and names that it is about, so another repair goes on to the
same end. A replay of the log comes first and is safe by itself (see `log.redo`).
Source: [jfs2 3.11].
"""

from __future__ import annotations

import enum
from contextlib import nullcontext
from dataclasses import dataclass, field

from ...block import BlockDevice, Bytes, DeviceLike, opened
from ...block.overlay import Overlay
from ...oneline import one_line
from ...origin import Origin, origin_or_system
from ..checking import Report, check
from ..checking.aggregate_checks import CheckedAggregate
from ..checking.findings import LEFT_UNCORRECTED
from ..checking.subject import Progress, Subject
from ..geometry import PAGE, SUPERBLOCK_OFFSET
from ..log import redo
from ..maps.used_blocks import UsedBlocks
from ..superblock import CLEAN, CLEAN_QUIESCED, Superblock, read_superblock
from .aggregate import mend_aggregate
from .fixes import Plan
from .inode_judge import InodeJudge
from .inode_repair import RepairContext
from .inode_survey import InodeSurvey
from .links import mend_links
from .log import mend_log, mount_again, needs_replay, replay_log
from .maps import write_blocks, write_inode_map
from .ordered_writes import changed_sectors, write_in_order
from .superblocks import mend_superblocks, set_state, usable_superblock
from .unclaimed_blocks import UnclaimedBlocks

_ROUNDS = 4
OKAY, INTERRUPTED, CHANGED_MOUNTED = 0, 2, 4
"""What the `fsck` of AIX exits with [commands 4.4]."""


class Answer(enum.Enum):
    """What to do about what is wrong."""

    NO = "no"
    """Nothing is written; the plan says what would be done."""
    PREEN = "preen"
    """Only what follows from something sound; where anything has to be decided, nothing is written."""
    YES = "yes"
    """Everything."""


@dataclass(repr=False)
class RepairReport:
    """What a repair found and did.

    Attributes:
        found: the report of the check before.
        plan: the fixes: those that were made, or would be.
        left: the report of the check after all fixes.
        written: whether they were written.
        failures: what could not be repaired, and why.
        notes: about the log.
    """

    found: Report
    plan: Plan
    left: Report
    written: bool = False
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    __repr__ = one_line

    @property
    def is_clean(self) -> bool:
        """Whether the file system is clean now."""
        return self.left.is_clean if self.written else self.found.is_clean


def exit_status(report: RepairReport) -> int:
    """What the `fsck` of AIX exits with: 0 the file system is right now, 8 errors were left."""
    return OKAY if report.is_clean else LEFT_UNCORRECTED


def repair(
    device: DeviceLike,
    *,
    origin: Origin | None = None,
    log: DeviceLike | None = None,
    aggregate: int | None = None,
    answer: Answer = Answer.YES,
    force: bool = True,
    progress: Progress | None = None,
) -> RepairReport:
    """Check a file system, and repair it.

    Args:
        device: where it lies; writable unless the answer is `NO`.
        origin: clock for what is made; by default that of the system.
        log: the volume of its external log, writable unless the answer is `NO`.
        aggregate: AIX: number of the file system's device, for a log that several file systems share.
        answer: what to do about what is wrong.
        force: check a file system that says that it is clean, too.
        progress: as for `check`, of the first check.

    Raises:
        CorruptImage: there is nothing to repair from: both superblocks, or both ways to the inodes, are lost.
        UnsupportedFeature: it uses a feature that nobody may ignore, or that a repair does not know.
        OperationRefused: the device was opened for reading.
    """
    now, writable = origin_or_system(origin).now(), answer is not Answer.NO
    beside = nullcontext() if log is None else opened(log, writable=writable)
    with opened(device, writable=writable) as volume, beside as log_device:
        return _Repair(volume, now, log_device, aggregate, answer, force).run(progress)


class _Repair:
    def __init__(
        self,
        device: BlockDevice,
        now: int,
        log: BlockDevice | None,
        aggregate: int | None,
        answer: Answer,
        force: bool,
    ) -> None:
        self.device, self.now, self.answer, self.force = device, now, answer, force
        self.aggregate = aggregate
        self.plan = Plan()
        self.notes: list[str] = []
        self.failures: list[str] = []
        self.base = Overlay(device)
        self.log = None if log is None else Overlay(log)
        self.log_device = log
        self.room: UnclaimedBlocks
        self.restored: Bytes | None = None
        self.replays = False

    def run(self, progress: Progress | None) -> RepairReport:
        superblock = usable_superblock(self.base)
        if superblock.offset != SUPERBLOCK_OFFSET:
            superblock = mend_superblocks(self.base, superblock, self.plan)
            mount_again(self.base, superblock)
            superblock = read_superblock(self.base)
            self.restored = self.base.read(SUPERBLOCK_OFFSET, PAGE)
        closed = superblock.state == CLEAN and not needs_replay(self.base, superblock, None)
        if not self.force and superblock.offset == SUPERBLOCK_OFFSET and closed:
            unseen = Report(notes=["the file system says that it is clean; it was not looked at"])
            return RepairReport(unseen, self.plan, unseen)
        replayed = self._replay(superblock)
        found = check(self.base, log=self.log, progress=progress)
        if not found.counts and not self.plan.counts:
            return RepairReport(found, self.plan, found, notes=self.notes)
        self.room = UnclaimedBlocks(superblock.volume(self.base))
        work = Overlay(self.base)
        left = found
        for _ in range(_ROUNDS):
            left = self._round(work, replayed)
            if not left.counts:
                break
        report = RepairReport(found, self.plan, left, failures=self.failures, notes=self.notes)
        if self.plan.counts and self._may_write(report):
            self._write(work)
            report.written = True
        return report

    def _replay(self, superblock: Superblock) -> bool:
        """Replay in memory; the same is done on the device when it is written to."""
        self.replays = needs_replay(self.base, superblock, self.log)
        notes = len(self.notes)
        replayed = replay_log(self.base, superblock, self.log, self.aggregate, self.plan, self.notes)
        self.replays &= len(self.notes) == notes
        return replayed

    def _round(self, work: Overlay, replayed: bool) -> Report:
        """Repair the overlay once, and check it."""
        superblock = mend_superblocks(work, usable_superblock(work), self.plan)
        aggregate = mend_aggregate(work, superblock, self.plan, self.now)
        judge = InodeJudge(work, superblock, aggregate.stamp)
        tools = RepairContext(work, self.base, superblock, aggregate.stamp, self.room, self.plan, judge, self.now)
        survey = InodeSurvey(tools, aggregate)
        survey.run()
        mend_links(tools, survey)
        write_inode_map(tools, survey, sound=aggregate.map_sound)
        self.failures = survey.failures
        mend_log(work, read_superblock(work), self.log, self.plan, replayed=replayed)
        state = superblock.state
        if state not in (CLEAN, CLEAN_QUIESCED):
            self.plan.add("superblock", f"s_state is {state:#x}, becomes {CLEAN:#x}")
            set_state(work, superblock, CLEAN)

        def settle(subject: Subject, checked: CheckedAggregate, used: UsedBlocks) -> None:
            write_blocks(subject.superblock, checked.block_map, used, self.plan)

        return check(work, log=self.log, settle=settle)

    def _may_write(self, report: RepairReport) -> bool:
        if self.answer is Answer.NO:
            return False
        return self.answer is Answer.YES or not self.plan.decisions

    def _write(self, work: Overlay) -> None:
        """Carry the overlay out, in the steps that the module describes."""
        if self.replays:
            if self.restored is not None:
                self.device.write(SUPERBLOCK_OFFSET, self.restored)
                self.device.flush()
            redo(self.device, log=self.log_device, aggregate=self.aggregate)
        write_in_order(self.device, work, self.room.given)
        if self.log is not None and self.log_device is not None:
            for at, data in changed_sectors(self.log, self.log_device):
                self.log_device.write(at, data)
            self.log_device.flush()
        self.device.write(SUPERBLOCK_OFFSET, work.read(SUPERBLOCK_OFFSET, PAGE))
        self.device.flush()
