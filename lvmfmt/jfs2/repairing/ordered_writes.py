"""Writing a repair: what differs between an overlay and the device, in the order that `run` describes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...block import BlockDevice, Bytes
from ...block.overlay import Overlay
from ...units import MIB, SECTOR
from ..checking.aggregate_checks import check_aggregate
from ..checking.findings import Report
from ..checking.subject import Subject
from ..geometry import PAGE, SUPERBLOCK_OFFSET
from ..maps.used_blocks import UsedBlocks
from ..superblock import FSERROR, read_superblock
from .superblocks import set_state
from .unclaimed_blocks import Ranges

_RUN = 4 * MIB


def changed_sectors(new: Overlay, device: BlockDevice) -> Iterator[tuple[int, Bytes]]:
    """(byte offset, bytes) of runs of sectors that an overlay holds otherwise than a device, ascending."""
    for offset, length in new.dirty_ranges():
        for at in range(offset, offset + length, _RUN):
            size = min(_RUN, offset + length - at)
            ours, theirs = new.read(at, size), device.read(at, size)
            whole = size // SECTOR * SECTOR
            wrong = (ours[:whole] != theirs[:whole]).reshape(-1, SECTOR).any(axis=1)
            edges = np.flatnonzero(np.diff(wrong, prepend=False, append=False))
            for start, end in edges.reshape(-1, 2).tolist():
                yield at + start * SECTOR, ours[start * SECTOR : end * SECTOR]


def write_in_order(device: BlockDevice, new: Overlay, built: Ranges) -> None:
    """Write all but the clean primary superblock, with barriers.

    Args:
        device: receives it.
        new: the repaired file system.
        built: blocks that were nobody's before.
    """
    superblock = read_superblock(new)
    block = superblock.geometry.block_size
    dirty = Overlay(new)
    set_state(dirty, superblock, superblock.state | FSERROR)
    device.write(SUPERBLOCK_OFFSET, dirty.read(SUPERBLOCK_OFFSET, PAGE))
    device.flush()
    own = UsedBlocks(np.array([(a, b - a) for a, b in built], np.int64).reshape(-1, 2))
    maps = _maps(new)
    changes = [(at, data) for at, data in changed_sectors(new, device) if at != SUPERBLOCK_OFFSET]
    for step in range(3):
        for at, data in changes:
            first = at // block
            sectors = len(data) // SECTOR
            blocks = (at + np.arange(sectors) * SECTOR) // block
            count = int(blocks[-1]) - first + 1
            which = np.where(own.bits(first, count), 0, np.where(maps.bits(first, count), 2, 1))[blocks - first]
            edges = np.flatnonzero(np.diff(which == step, prepend=False, append=False))
            for start, end in edges.reshape(-1, 2).tolist():
                device.write(at + start * SECTOR, data[start * SECTOR : end * SECTOR])
        device.flush()


def _maps(device: BlockDevice) -> UsedBlocks:
    """Blocks of the aggregate: tables, maps and superblocks."""
    superblock = read_superblock(device)
    subject = Subject.of(device, superblock, Report())
    check_aggregate(subject)
    ranges = subject.owners.ranges()
    starts, ends = ranges[:2]
    return UsedBlocks(np.stack((starts, ends - starts), axis=1))
