"""Copies of a mirrored volume that hold different states of a file system or log, though its group says nothing of it.

Writing files changes no VGDA: an image of yesterday is as new as its group. But a mount changes superblocks, and what
is allocated the first pages of the block map [jfs2 2.1, 2.4, 2.9]: all of that is small, and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..block import BlockDevice
from ..errors import LvmfmtError, OperationRefused
from ..jfs2.dialect import DIALECTS
from ..jfs2.geometry import PAGE, SUPERBLOCK_OFFSET
from ..jfs2.log.format import SUPERBLOCK_PAGE, is_log
from ..jfs2.superblock import read_superblock
from ..lvm import LogicalVolume, Problem, VolumeGroup
from ..lvm.online.recovery import unequal

_TABLES = SUPERBLOCK_OFFSET, 8 * PAGE
"""Both superblocks, and the first tables between them."""
_MAP_PAGES = 5
"""Of the block map: its counts, the pages above, and its first page of bits."""
Places = list[tuple[int, int]]
"""(offset, length) pairs."""


def unequal_heads(group: VolumeGroup, *names: str) -> Iterator[Problem]:
    """A finding for each volume whose good copies differ there, but for writes that an interruption has left under way.

    Args:
        group: the group.
        names: of the volumes; default all.
    """
    volumes = [lv for lv in group.logical_volumes.values() if lv.copies > 1 and lv.name in (names or (lv.name,))]
    under_way = {minor for minor, _ in unequal(group)} if volumes else set()
    for lv in volumes:
        if lv.minor not in under_way and (differ := _different(lv)):
            on = " and ".join(f"{copy} ({_disks(lv, copy)})" for copy in differ)
            text = f"copies {on} hold different states of a file system or log"
            yield Problem("mirror-differs", group.state.vgsa.record.name, "", None, text, lv.name).about(lvs=[lv.minor])


def of_equal_copies(
    group: VolumeGroup, device_of: Callable[[LogicalVolume], BlockDevice]
) -> Callable[[LogicalVolume], BlockDevice]:
    """The same devices to write to, but of a volume of which a copy is an older state: there it raises.

    Args:
        group: the group.
        device_of: gives the device of a volume.
    """

    def checked(volume: LogicalVolume) -> BlockDevice:
        for problem in unequal_heads(group, volume.name):
            raise OperationRefused(
                f"{problem.text}: what is written to one would damage the other",
                where=volume.name,
                hint="leave out the image of the older disk, or let `syncvg -f` fill all copies from one",
            )
        return device_of(volume)

    return checked


def _different(lv: LogicalVolume) -> list[int]:
    """The first good copy, and the first one that differs from it; empty if none does."""
    # what a disk has that missed a change of the group is old for all to see, and a write knows it
    known = ~np.isin(lv.map.pv, [number for number, pv in lv.pvs.items() if pv.behind])
    good = np.flatnonzero((lv.within_reach(lv.map.held & ~lv.stale & known)).all(axis=1)).tolist()
    heads: dict[int, list[bytes]] = {}
    places: Places = []
    try:
        devices = {copy + 1: lv.only(copy + 1).device for copy in good}
        places = next(filter(None, map(_places, devices.values())), [])
        for number, device in devices.items():
            heads[number] = [device.read(at, length).tobytes() for at, length in places]
    except LvmfmtError:
        return []  # what cannot be read says nothing; other findings name it
    first = next(iter(heads), 0)
    other = next((number for number in heads if heads[number] != heads[first]), None)
    return [first, other] if other else []


def _disks(lv: LogicalVolume, copy: int) -> str:
    """The disks that a copy is on."""
    numbers = np.unique(lv.map.pv[copy - 1]).tolist()
    return ", ".join(device.name for n in numbers if (device := lv.pvs[n].device) is not None)


def _places(device: BlockDevice) -> Places:
    """What is compared of a file system or log; nothing of anything else."""
    if any(is_log(device, dialect) for dialect in DIALECTS.values()):
        return [(SUPERBLOCK_PAGE * PAGE, PAGE)]
    try:
        superblock = read_superblock(device)
    except LvmfmtError:
        return []
    geometry, size = superblock.geometry, device.size
    places = [_TABLES, (geometry.map_address * geometry.block_size, _MAP_PAGES * PAGE)]
    if geometry.log_blocks:
        places.append((geometry.log_address * geometry.block_size + SUPERBLOCK_PAGE * PAGE, PAGE))
    return [(at, length) for at, length in places if at + length <= size]
