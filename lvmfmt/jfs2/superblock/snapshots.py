"""Snapshots, quotas and other features of AIX JFS2: recognised and named; none of their data is touched.

The live tree lies where it always lies, so that it is read as ever; copy on write is AIX's own affair, so that nothing
may be written (`Superblock.writable_features`). Source: [jfs2 2.2, 2.11, 2.12, invariant 88].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .reading import Superblock

GENERATIONS = 15
FEATURE_SNAPSHOT = 1
_BOUND = 0x10000000
_ABORTED = 0x8
_PERSISTENT = 2
_STATES = {1: "being deleted", 4: "current", 8: "aborted", 0x10: "without its device"}
_LAST_SECOND = 253_402_300_799
"""The last one of the year 9999."""
_DEVICE_MARK = 1 << 63


@dataclass(frozen=True)
class Snapshot:
    """One generation of the series.

    Attributes:
        place: index in the ring, 0 to 14.
        generation: `gNumber`.
        state: `state`, as it lies on the disk.
        seconds: when it was made, since the epoch.
        device: external: device that stores it, major << 32 | minor; otherwise 0.
        inode: internal: inode that stores it; otherwise 0.
        version: `s_snapshotVersion` of the series: 1 not persistent, 2 persistent.
    """

    place: int
    generation: int
    state: int
    seconds: int
    device: int
    inode: int
    version: int

    def __str__(self) -> str:
        if self.inode:
            where = f"internal, inode {self.inode}"
        else:
            where = f"external, device {self.device >> 32},{self.device & 0xFFFFFFFF}"
        states = _STATES | {_PERSISTENT: "persistent" if self.version == 2 else "in progress"}
        state = ", ".join([text for bit, text in states.items() if self.state & bit]) or f"state {self.state}"
        made = f"; made {datetime.fromtimestamp(self.seconds, UTC):%F %T}" if 0 < self.seconds <= _LAST_SECOND else ""
        return f"generation {self.generation} ({where}; {state}{made})"


def has_snapshots(superblock: Superblock) -> bool:
    """Whether the superblock says that there are snapshots, or were when it was last written."""
    values = superblock.values
    return superblock.dialect.superblock_form.keeps_snapshots and bool(
        superblock.feature("s_feature_rdonly") & FEATURE_SNAPSHOT
        or superblock.flag & _BOUND
        or values["s_snapshotSeries"]["nSnapshot"]
    )


def read_snapshots(superblock: Superblock) -> list[Snapshot]:
    """The snapshots of the series from the oldest to the newest; none where the series makes no sense."""
    if not has_snapshots(superblock) or not is_ring(series := superblock.values["s_snapshotSeries"]):
        return []
    places = [(series["first"] + i) % GENERATIONS for i in range(series["nSnapshot"])]
    version = int(superblock.values["s_snapshotVersion"])
    return [_snapshot(place, series["generation"][place], version) for place in places]


def is_ring(series: Any) -> bool:
    """Whether a series counts the generations from its first to its last."""
    count, first, last = int(series["nSnapshot"]), int(series["first"]), int(series["last"])
    inside = 0 <= first < GENERATIONS and 0 <= last < GENERATIONS
    return count == 0 or (inside and count == (last - first) % GENERATIONS + 1)


def _snapshot(place: int, row: Any, version: int) -> Snapshot:
    device, made = row["device"] & ~_DEVICE_MARK, row["timestamp"]["tv_sec"]
    return Snapshot(place, row["gNumber"], row["state"], made, device, row["iNumber"], version)


def features(superblock: Superblock) -> list[str]:
    """What a file system has beyond files and a log, a line each, for people; nothing for most."""
    return list(_features(superblock))


def _features(superblock: Superblock) -> Iterator[str]:
    values = superblock.values
    if has_snapshots(superblock):
        found, series = read_snapshots(superblock), values["s_snapshotSeries"]
        if not is_ring(series):
            ring = f"{series['nSnapshot']} from {series['first']} to {series['last']}"
            yield f"snapshots: the series makes no sense ({ring})"
        elif not found:
            yield "snapshots: marked, none in the series"
        else:
            yield f"snapshots: {len(found)}, from the oldest: {', '.join(map(str, found))}"
        if values["s_snapshotState"] & _ABORTED:
            yield "snapshots: were aborted"
    files = superblock.dialect.superblock_form.quota_files
    if quotas := [path.rpartition(".")[2] for bit, path in files.items() if superblock.flag & bit]:
        yield f"quotas: {' and '.join(quotas)}"
    incompat = superblock.feature("s_feature_incompat")
    if incompat & 1:
        yield f"DMAPI: data may have been moved elsewhere; event mask {values['s_pevlist']:#x}"
    for bit, text in (
        (2, "extended attributes of format 2"),
        (4, "inode extents of several lengths (VIX)"),
    ):
        if incompat & bit:
            yield text
