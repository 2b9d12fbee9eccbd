"""Writing copies of VGSA and VGDA so that a torn one is never valid, and knowing what lies where.

A copy goes out in three parts with a barrier after each: its first sector with the new time stamp, its middle, its last
sector with the closing stamp. Between the first and the last barrier it is not valid. Of each part only those sectors
are written that are not there already, so what is written follows what was changed: the table of 64 MiB that a scalable
group may have is compared in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...block import BlockDevice, Bytes
from ...errors import ImageIOError
from ...units import SECTOR
from ..disk.barrier import DiskFailed, write_sync

_NEAR = 64
"""Sectors between two changed ones up to which writing all is cheaper than writing twice."""
_WORD_BYTES = 8
_NOTHING: Bytes = np.zeros(0, np.uint8)
Run = tuple[int, int]


class Delta(NamedTuple):
    """What becomes of a copy.

    Attributes:
        old: what it was.
        parts: the runs of bytes to write, start and end, of its first sector, its middle and its last sector.
    """

    old: Bytes
    parts: tuple[list[Run], list[Run], list[Run]]

    @classmethod
    def between(cls, old: Bytes, new: Bytes) -> Delta:
        """What has to be written over one copy to make it another."""
        return cls.of(old, changed_sectors(old, new))

    @classmethod
    def of(cls, old: Bytes, sectors: Collection[int]) -> Delta:
        """The same where the sectors that differ are known, in ascending order."""
        last = len(old) // SECTOR - 1
        middle = [sector for sector in sectors if 0 < sector < last]
        return cls(old, (_runs([0] if 0 in sectors else []), _runs(middle), _runs([last] if last in sectors else [])))


class Ledger:
    """What the places of a group are known to hold, from reading them or having written them.

    One for all states of a group, since it speaks of the disks. The arrays it is given must not change any more.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[BlockDevice, int], Bytes] = {}

    def learn(self, device: BlockDevice, offset: int, raw: Bytes) -> None:
        """A copy was read at a byte offset."""
        self._known[device, offset] = raw

    def look_again(self, device: BlockDevice, offset: int) -> None:
        """Forget what is known of a place if somebody else has written there: it begins with another stamp."""
        known, there = self._known.get((device, offset), _NOTHING), bytearray(SECTOR)
        try:
            device.read_into(offset, there)
        except ImageIOError:
            there = bytearray()  # the write that follows fails
        if there != known[:SECTOR].data:
            self._known.pop((device, offset), None)

    def holds(self, device: BlockDevice, offset: int, raw: Bytes) -> bool:
        """Whether this copy is known to lie there whole."""
        known = self._known.get((device, offset))
        return known is not None and same(known, raw)

    def write(self, device: BlockDevice, offset: int, raw: Bytes, delta: Delta | None = None) -> None:
        """Write a copy with a barrier after each of its parts; sectors that are there already stay.

        Args:
            device: the disk.
            offset: byte of the place.
            raw: the copy.
            delta: to it from what most places hold; a place that is not known to hold that is compared.

        Raises:
            DiskFailed: the disk refused; nothing is known of the place any more.
        """
        known = self._known.pop((device, offset), _NOTHING)
        try:
            if delta is None or known is not delta.old:
                there = known if len(known) == len(raw) else device.read(offset, len(raw))
                delta = Delta.between(there, raw)
            for part in delta.parts:
                for start, end in part:
                    device.write(offset + start, raw[start:end])
                device.flush()
        except ImageIOError as error:
            raise DiskFailed(device, error) from error
        self._known[device, offset] = raw

    def clear(self, device: BlockDevice, offset: int) -> None:
        """See to it that no copy begins there.

        Raises:
            DiskFailed: the disk refused.
        """
        if self._known.get((device, offset)) is _NOTHING:
            return
        self._known.pop((device, offset), None)
        try:
            if device.read(offset, SECTOR).any():
                write_sync(device, offset, bytes(SECTOR))
        except ImageIOError as error:
            raise DiskFailed(device, error) from error
        self._known[device, offset] = _NOTHING


def changed_sectors(old: Bytes, new: Bytes, idle: tuple[int, int] = (0, 0)) -> list[int]:
    """The sectors in which two copies differ, in ascending order.

    Args:
        old: a copy.
        new: another one, of the same length.
        idle: bytes that are known to be equal, first and end: whole sectors.
    """
    found: list[int] = []
    for start, end in ((0, idle[0]), (idle[1], len(new))):
        words = old[start:end].view(np.uint64) != new[start:end].view(np.uint64)
        sectors = (words.nonzero()[0] + start // _WORD_BYTES) // (SECTOR // _WORD_BYTES)
        found += sectors[:1].tolist() + sectors[1:][sectors[1:] != sectors[:-1]].tolist()
    return found


def same(a: Bytes, b: Bytes) -> bool:
    """Whether two copies are equal, byte by byte; they are multiples of 8 bytes long."""
    return a is b or (len(a) == len(b) and not (a.view(np.uint64) != b.view(np.uint64)).any())


def area_parts(offset: int, raw: Bytes) -> Iterator[tuple[int, Bytes]]:
    """The parts of a copy in the order in which it is valid only before the first and after the last was written.

    Yields:
        Byte offset and bytes of a part; `offset` is that of the copy.
    """
    for start, end in ((0, SECTOR), (SECTOR, len(raw) - SECTOR), (len(raw) - SECTOR, len(raw))):
        yield offset + start, raw[start:end]


def _runs(sectors: Sequence[int]) -> list[Run]:
    """Runs of bytes (start, end) with all of these sectors, which ascend; one run where they lie near."""
    runs: list[Run] = []
    for sector in sectors:
        start, end = sector * SECTOR, (sector + 1) * SECTOR
        if runs and start - runs[-1][1] < _NEAR * SECTOR:
            runs[-1] = runs[-1][0], end
        else:
            runs.append((start, end))
    return runs
