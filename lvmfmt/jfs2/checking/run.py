"""`check`: all checks of a file system in their order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np

from ...block import BlockDevice, DeviceLike, opened
from ...errors import LvmfmtError
from ...layout.jfs2.j2 import QUOTA_HEAD, QUOTA_MARK
from ..access.filesystem import FileSystem
from ..geometry import INODES_PER_IAG
from ..maps.used_blocks import UsedBlocks
from ..superblock import INLINE_LOG, read_superblock
from .aggregate_checks import CheckedAggregate, check_aggregate, check_table_extents
from .blockmap_checks import BlockMapChecker
from .findings import Report
from .imap_checks import InodeMapChecker, JudgedGroup
from .inode_checks import InodeChecker, inode_rows
from .log_checks import LogChecker
from .names_checks import Census
from .ownership import INODE_TABLE
from .subject import Progress, Subject
from .superblock_checks import check_superblocks

PHASES = ("inodes", "directories", "blocks", "inode maps", "block map")


Settle = Callable[[Subject, CheckedAggregate, UsedBlocks], None]
"""Told, before the block map is judged, the aggregate and the blocks that have an owner."""


def check(
    device: DeviceLike,
    *,
    log: DeviceLike | None = None,
    progress: Progress | None = None,
    settle: Settle | None = None,
) -> Report:
    """Check a file system without writing to it.

    Work and memory are bounded by the size of the file system, whatever it holds: what is pointed to twice is told
    and read once.

    Args:
        device: where it lies.
        log: the volume of its external log; without it such a log is not checked, which a note says.
        progress: told the phase (1 to 5, see `PHASES`), how much of it is done, and how much there is.
        settle: for a repair, which writes the block map that follows from what was met.

    Raises:
        CorruptImage: there is no file system that makes sense.
        UnsupportedFeature: it uses a feature that nobody may ignore.
        ImageIOError: the system refused a read.
    """
    report = Report()
    with opened(device) as volume, nullcontext() if log is None else opened(log) as beside:
        subject = Subject.of(volume, read_superblock(volume), report)
        _Run(subject, beside, progress or (lambda phase, done, total: None), settle).run()
    return report


class _Run:
    def __init__(self, subject: Subject, log: BlockDevice | None, progress: Progress, settle: Settle | None) -> None:
        self.subject = subject
        self.log = log
        self.progress = progress
        self.settle = settle
        self.census = Census()

    def run(self) -> None:
        s = self.subject
        check_superblocks(s.device, s.dialect, s.report)
        aggregate = check_aggregate(s)
        maps = self._inodes(aggregate)
        self.progress(2, 0, 1)
        self.census.check(s)
        self._quota()
        self.progress(3, 0, 1)
        used = s.owners.used()
        self.progress(4, 0, 1)
        for checker in maps:
            checker.finish()
        if self.settle is not None:
            self.settle(s, aggregate, used)
        BlockMapChecker(s, aggregate.block_map, used).check(lambda done, total: self.progress(5, done, total))
        self._log()
        statistics = s.report.statistics
        statistics.blocks, statistics.used_blocks = s.volume.blocks, int((used.ends - used.starts).sum())
        statistics.inodes, statistics.directories, statistics.files = self.census.totals

    def _inodes(self, aggregate: CheckedAggregate) -> tuple[InodeMapChecker, InodeMapChecker]:
        """Go through both inode maps, and through all inodes of the fileset."""
        s = self.subject
        own = InodeMapChecker(s, aggregate.inode_map, "aggregate inode map", ())
        for iag in own.groups():
            if iag.number == 0:
                check_table_extents(s, iag.address, iag.used)
        reserved = s.dialect.inode_form.reserved
        fileset = InodeMapChecker(s, aggregate.fileset_map, "inode map", reserved)
        inodes = InodeChecker(s, aggregate.stamp, self.census)
        for iag in fileset.groups():
            self.progress(1, iag.number, fileset.iags)
            first = [self._entered(iag, e) for e in range(len(iag.address))]
            address = np.where(first, iag.address, 0)
            if address.any():
                rows = inode_rows(s, iag.number * INODES_PER_IAG, address, iag.length, iag.used)
                inodes.check(rows)
        self.progress(1, fileset.iags, fileset.iags)
        return own, fileset

    def _entered(self, iag: JudgedGroup, extent: int) -> bool:
        """Claim an inode extent; whether there is one, and no other group has it."""
        address, length = int(iag.address[extent]), int(iag.length[extent])
        return address > 0 and self.subject.owners.enter(address, length, INODE_TABLE)

    def _quota(self) -> None:
        """Check 87, where the superblock says that there are quota files."""
        s = self.subject
        for bit, path in s.dialect.superblock_form.quota_files.items():
            if not s.superblock.flag & bit:
                continue
            try:
                head = QUOTA_HEAD.parse(FileSystem.open(s.device).read(path, 0, QUOTA_HEAD.size))
                found = f"magic {head.magic:#x}, version {head.version}"
                right = (head.magic, head.version) == QUOTA_MARK
            except LvmfmtError as error:
                found, right = str(error), False
            if not right:
                s.report.add("quota-file", QUOTA_HEAD.name, "magic", None, f"{path}: {found}")

    def _log(self) -> None:
        s = self.subject
        pxd = s.superblock.values["s_logpxd"]
        if s.superblock.flag & INLINE_LOG:
            offset = s.geometry.log_address * s.volume.block_size
            length = int(pxd["len"]) * s.volume.block_size
            if offset > 0 and offset + length <= s.device.size:
                LogChecker(s, s.device, offset, length, inline=True).check()
        elif self.log is not None:
            LogChecker(s, self.log, 0, self.log.size, inline=False).check()
        else:
            s.report.notes.append("the log is on another volume, which was not checked")
