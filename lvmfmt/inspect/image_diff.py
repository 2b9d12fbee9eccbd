"""Which sectors of two states of a disk differ, and what they belong to: the map of a disk answers why they changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, DeviceLike, opened, opened_all
from ..errors import LvmfmtError, OperationRefused
from ..escaping import escaped
from ..jfs2 import FileSystem
from ..lvm import LogicalVolume, VolumeGroup, scan
from ..oneline import one_line
from ..units import MIB, SECTOR

_CHUNK = 4 * MIB
_RESERVED = (
    (0, 1, "boot record"), (1, 2, "configuration record"), (2, 4, "MWC records"), (7, 8, "LVM record"),
    (8, 30, "bad block directory"), (64, 65, "configuration record, backup"), (70, 71, "LVM record, backup"),
    (71, 93, "bad block directory, backup"),
)  # fmt: skip
"""First sector, sector after, owner [lvm 1.1]."""


@dataclass(frozen=True)
class ChangedSectors:
    """Sectors that differ and have one owner."""

    owner: str
    """What they belong to: a structure, or a logical volume and what it has there."""
    sectors: int
    bytes: int
    """Bytes in them that differ."""
    first: int
    """Byte of the disk where the first of them is."""


@dataclass(frozen=True, repr=False)
class ImageDiff:
    """What differs between two states of a disk."""

    before: str
    after: str
    size: int
    changes: list[ChangedSectors]
    """By place of the first sector."""

    __repr__ = one_line

    @property
    def bytes(self) -> int:
        """Bytes that differ."""
        return sum(change.bytes for change in self.changes)


@dataclass(frozen=True)
class _Owned:
    """Ranges of a device and who owns each: starts ascending, not overlapping; -1 where nobody is known."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    names: list[str]

    @classmethod
    def of(cls, ranges: Sequence[tuple[int, int, str]]) -> _Owned:
        ordered = sorted(r for r in ranges if r[1] > r[0])
        starts = np.array([r[0] for r in ordered], np.int64)
        ends = np.array([r[1] for r in ordered], np.int64)
        return cls(starts, ends, [r[2] for r in ordered])

    def owners(self, offsets: NDArray[np.int64], otherwise: str) -> list[str]:
        """The owner of each byte offset."""
        index = np.searchsorted(self.starts, offsets, side="right") - 1
        if len(self.starts):
            index[(index >= 0) & (offsets >= self.ends[index])] = -1
        return [self.names[i] if i >= 0 else otherwise for i in index.tolist()]


def diff(before: DeviceLike, after: DeviceLike, group: DeviceLike | Iterable[DeviceLike] = ()) -> ImageDiff:
    """Compare two states of one disk and say what the sectors that differ belong to.

    Args:
        before: the disk as it was.
        after: the disk as it is.
        group: the other disks of its volume group, if any, as they are.

    Raises:
        OperationRefused: the two are not of one size.
    """
    with opened(before) as old, opened(after) as new, opened_all(group) as others:
        return _diff(old, new, others)


def _diff(before: BlockDevice, after: BlockDevice, group: Sequence[BlockDevice]) -> ImageDiff:
    if before.size != after.size:
        raise OperationRefused(f"sizes differ: {before.size} and {after.size} bytes", where=after.name)
    sectors, counts = changed_sectors(before, after)
    owners = ["unknown"] * len(sectors)
    # what a sector belonged to before it changed is known from the old state where the new one has no owner for it
    for disk, others in ((before, ()), (after, group)):
        for index, owner in enumerate(owners_of(disk, others, sectors)):
            if owner:
                owners[index] = owner
    changes: dict[str, list[int]] = {}
    for sector, count, owner in zip(sectors.tolist(), counts.tolist(), owners, strict=True):
        change = changes.setdefault(owner, [0, 0, sector * SECTOR])
        change[0] += 1
        change[1] += count
    return ImageDiff(
        before.name, after.name, after.size, [ChangedSectors(owner, *change) for owner, change in changes.items()]
    )


def changed_sectors(before: BlockDevice, after: BlockDevice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the sectors that differ, and how many bytes of each; shapes (n,). Common holes are not read."""
    found: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int64]] = []
    for start, end in _data(before, after):
        for at in range(start, end, _CHUNK):
            length = min(_CHUNK, end - at)
            different = before.read(at, length) != after.read(at, length)
            if different.any():
                padded = np.zeros(-(-length // SECTOR) * SECTOR, bool)
                padded[:length] = different
                per_sector = padded.reshape(-1, SECTOR).sum(axis=1)
                hits = np.flatnonzero(per_sector)
                found.append(hits + at // SECTOR)
                counts.append(per_sector[hits])
    empty = [np.empty(0, np.int64)]
    return np.concatenate(found or empty), np.concatenate(counts or empty)


def _data(*devices: BlockDevice) -> Iterator[tuple[int, int]]:
    """Ranges that are data in any of the devices, on whole sectors, in order."""
    ranges = sorted((e.offset, e.offset + e.length) for d in devices for e in d.extents() if e.is_data)
    start = end = 0
    for a, b in ranges:
        a, b = a // SECTOR * SECTOR, min(-(-b // SECTOR) * SECTOR, devices[0].size)
        if a > end:
            if end > start:
                yield start, end
            start = a
        end = max(end, b)
    if end > start:
        yield start, end


def owners_of(disk: BlockDevice, others: Sequence[BlockDevice], sectors: NDArray[np.int64]) -> list[str]:
    """The owner of each sector, "" where the disk's own metadata names none."""
    info = scan([disk])[0]
    ranges = [(first * SECTOR, end * SECTOR, owner) for first, end, owner in _RESERVED]
    group = None
    if info.record is not None:
        for name, psns, length in (
            ("VGSA", info.record.vgsa_psn, info.record.vgsa_len),
            ("VGDA", info.record.vgda_psn, info.record.vgda_len),
        ):
            ranges += [(p * SECTOR, (p + length) * SECTOR, f"{name}, copy {i}") for i, p in enumerate(psns, 1)]
        try:
            group = VolumeGroup.open([disk, *others])
        except LvmfmtError:  # then only the fixed places are known
            group = None
    offsets = sectors * SECTOR
    owners = _Owned.of(ranges).owners(offsets, "")
    for lv in group.logical_volumes.values() if group else ():
        hits, inside = _inside(lv, disk, offsets)
        if len(hits):
            names = _volume_map(lv).owners(inside, "metadata" if lv.type == "jfs2" else lv.type or "data")
            for index, name in zip(hits.tolist(), names, strict=True):
                owners[index] = f"{escaped(lv.name)}: {name}"
    return owners


def _inside(
    lv: LogicalVolume, disk: BlockDevice, offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the disk's byte offsets lie in an LV (indices), and where in it."""
    numbers = [pv.number for pv in lv.pvs.values() if pv.device is disk]
    if not numbers:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pv = lv.pvs[numbers[0]]
    lp_of = np.full(pv.pp_count + 1, -1, np.int64)
    here = lv.map.held & (lv.map.pv == pv.number)
    lps = np.broadcast_to(np.arange(lv.lps), here.shape)
    lp_of[lv.map.pp[here]] = lps[here]
    pp = (offsets - pv.offset(1)) // lv.pp_size + 1
    valid = (pp >= 1) & (pp <= pv.pp_count)
    lp = np.where(valid, lp_of[np.where(valid, pp, 0)], -1)
    hits = np.flatnonzero(lp >= 0)
    return hits, lp[hits] * lv.pp_size + (offsets[hits] - pv.offset(1)) % lv.pp_size


def _volume_map(lv: LogicalVolume) -> _Owned:
    """What lies where in an LV."""
    ranges = [(0, SECTOR, "LVCB")]
    if lv.type != "jfs2":
        return _Owned.of(ranges)
    try:
        fs = FileSystem.open(lv.device)
        inventory = fs.inventory()
    except LvmfmtError:  # not readable: the LV is all that is known
        return _Owned.of(ranges)
    ranges += [(0x8000, 0x9000, "superblock"), (0xF000, 0x10000, "superblock, secondary")]
    path: dict[int, str] = {}
    prefix = lv.label.rstrip("/")
    for row, raw in zip(inventory.entries["child"].tolist(), inventory.entry_paths(), strict=True):
        path.setdefault(row, prefix + raw.decode("utf-8", "surrogateescape"))
    unit = fs.block_size
    extents: Any = inventory.extents[["inode", "source_offset", "length"]].tolist()
    ranges += [
        (at, at + -(-length // unit) * unit, f"file {escaped(path[row])}") for row, at, length in extents if row in path
    ]
    return _Owned.of(ranges)
