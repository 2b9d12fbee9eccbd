"""Workloads on file systems whose disks lose their tails independently: mirrors, stripes, a log on another disk."""

from __future__ import annotations

from dataclasses import dataclass

from crash_explorer import MAJOR, Recording, record_on_group
from crash_model import NOW, WITH_ATTRIBUTES
from crash_states import EmptyDisk
from crash_workloads import HANDLES, IN_PLACE, LOG, MIB, Phases

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import Dialect, ExternalLog, Identity, InlineLog, InventoryBuilder, build
from lvmfmt.jfs2.log.logform import logform
from lvmfmt.lvm import LvPolicy, VgKind, VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin

_SIZE = 16
"""MiB of a file system."""


@dataclass(frozen=True)
class OnDisks:
    """A kind of workload on a group.

    Attributes:
        phases: see `Phases`.
        disks: of the group.
        copies: of each volume.
        strip: bytes of a strip of the file systems; 0 for none.
        spread: whether the partitions of a file system go round the disks.
        members: file systems that use a log on the last disk; 0 for one with an inline log.
        kind: of the group.
        mwc: mirror write consistency of the volumes.
        most: crash images of one recording; each varies the group on, which compares the doubtful parts of mirrors.
    """

    phases: list[tuple[int, dict[str, float]]]
    disks: int = 2
    copies: int = 1
    strip: int = 0
    spread: bool = False
    members: int = 0
    kind: VgKind = VgKind.CLASSIC
    mwc: str = "a"
    most: int = 3000

    def record(self, dialect: Dialect, seed: int) -> Recording:
        """Run it on new disks in memory."""
        disks, names = self.base(dialect)
        steps = Phases(seed, self.phases)
        return record_on_group(disks, names, steps, steps.count, external=self.members > 0)

    def base(self, dialect: Dialect) -> tuple[list[BlockDevice], list[str]]:
        """The disks of the group, and the names of its volumes."""
        origin = SeededOrigin(7)
        disks: list[BlockDevice] = [Overlay(EmptyDisk(64 * MIB, f"disk{i}")) for i in range(self.disks)]
        group = VolumeGroup.create(disks, origin=origin, machine_id="00F7B72A4C00", pp_size=MIB, kind=self.kind)
        pvids = list(group.physical_volumes)
        names = [f"fs{i}" for i in range(self.members or 1)]
        with group.change(origin) as change:
            for name in names:
                of_fs = pvids[:-1] if self.members and self.copies == 1 else pvids
                policy = LvPolicy(
                    strip_size=self.strip, inter="x" if self.spread else "m", mwc=self.mwc,
                    stripe_width=len(of_fs) // self.copies if self.strip else None,
                )  # fmt: skip
                change.add_lv(name, "jfs2", _SIZE, self.copies, of_fs, policy=policy)
            if self.members:
                change.add_lv("log", "jfs2log", 1, self.copies, pvids[-self.copies :], policy=LvPolicy(mwc=self.mwc))
        for i, name in enumerate(names):
            tree = InventoryBuilder()
            tree.add_inode(0o040755, atime=NOW, mtime=NOW, ctime=NOW, otime=NOW)
            log = ExternalLog(MAJOR | 1, b"L" * 16) if self.members else InlineLog(LOG)
            build(
                group.logical_volumes[name].device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), log=log,
                identity=Identity(uuid=bytes([i + 1]) * 16),
            )  # fmt: skip
        if self.members:
            logform(group.logical_volumes["log"].device, dialect=dialect, uuid=b"L" * 16)
        return disks, [*names, *(["log"] if self.members else [])]


ACROSS = {
    "over two disks": OnDisks([(100, WITH_ATTRIBUTES)], spread=True),
    "striped over three disks": OnDisks([(100, WITH_ATTRIBUTES)], disks=3, strip=16 << 10),
    "log on another disk": OnDisks([(100, WITH_ATTRIBUTES)], members=1),
    "two file systems, log on a third disk": OnDisks([(120, HANDLES)], disks=3, members=2, spread=True),
    "mirrored": OnDisks([(60, WITH_ATTRIBUTES)], copies=2, most=500),
    "mirrored, passive consistency": OnDisks([(60, IN_PLACE)], copies=2, kind=VgKind.BIG, mwc="p", most=20),
}
"""Every kind, by name."""
