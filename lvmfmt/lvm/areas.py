"""Writing copies of VGSA and VGDA so that a torn one is never valid, and knowing what lies where.

A copy goes out in three parts with a barrier after each: its first sector with the new time stamp, its middle, its last
sector with the closing stamp. Between the first and the last barrier it is not valid. Of each part only those sectors
are written that are not there already, so what is written follows what was changed: the table of 64 MiB that a scalable
group may have is compared in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..block import BlockDevice, Bytes
from ..errors import ImageIOError
from ..units import SECTOR

_NEAR = 64
"""Sectors between two changed ones up to which writing all is cheaper than writing twice."""
_NOTHING: Bytes = np.zeros(0, np.uint8)


class DiskFailed(ImageIOError):
    """A disk of the group refused a read, a write or a barrier while the group was written.

    Attributes:
        device: the disk.
    """

    def __init__(self, device: BlockDevice, error: ImageIOError) -> None:
        super().__init__(error.what, where=error.where or device.name, hint=error.hint, errno=error.errno or 5)
        self.device = device


class Ledger:
    """What the places of a group are known to hold, from reading them or having written them.

    One for all states of a group, since it speaks of the disks. The arrays it is given must not change any more.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[BlockDevice, int], Bytes] = {}
        self._compared: tuple[Bytes, Bytes, list[list[tuple[int, int]]]] = _NOTHING, _NOTHING, []

    def learn(self, device: BlockDevice, offset: int, raw: Bytes) -> None:
        """A copy was read at a byte offset."""
        self._known[device, offset] = raw

    def holds(self, device: BlockDevice, offset: int, raw: Bytes) -> bool:
        """Whether this copy is known to lie there whole, and its first sector, with its stamp, still does."""
        known = self._known.get((device, offset), _NOTHING)
        try:
            return same(known, raw) and _begins(device, offset, known)
        except ImageIOError:
            return False  # the write that follows fails

    def write(self, device: BlockDevice, offset: int, raw: Bytes) -> None:
        """Write a copy with a barrier after each of its parts; sectors that are there already stay.

        Raises:
            DiskFailed: the disk refused; nothing is known of the place any more.
        """
        try:
            known = self._known.pop((device, offset), _NOTHING)
            trusted = len(known) == len(raw) and _begins(device, offset, known)
            there = known if trusted else device.read(offset, len(raw))
            for part in self._differing(there, raw):
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

    def _differing(self, there: Bytes, raw: Bytes) -> list[list[tuple[int, int]]]:
        """What each part of a copy has to write; one copy after the other is usually the same."""
        old, new, runs = self._compared
        if old is not there or new is not raw:
            runs = [_differing(there, at, part) for at, part in area_parts(0, raw)]
            self._compared = there, raw, runs
        return runs


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


def write_sync(device: BlockDevice, offset: int, data: bytes | Bytes) -> None:
    """Write to a disk of the group, and a barrier.

    Raises:
        DiskFailed: it refused.
    """
    try:
        device.write(offset, data)
        device.flush()
    except ImageIOError as error:
        raise DiskFailed(device, error) from error


def _begins(device: BlockDevice, offset: int, known: Bytes) -> bool:
    """Whether the first sector of what is known is still there: nobody else has written since."""
    return np.array_equal(device.read(offset, SECTOR), known[:SECTOR])


def _differing(there: Bytes, at: int, part: Bytes) -> list[tuple[int, int]]:
    """Runs of bytes (start, end), whole sectors, to write so that `part` is at byte `at`; one where they lie near."""
    words = there[at : at + len(part)].view(np.uint64) != part.view(np.uint64)
    sectors = np.flatnonzero(words) // (SECTOR // 8) + at // SECTOR
    if not len(sectors):
        return []
    cuts = np.flatnonzero(np.diff(sectors) > _NEAR)
    firsts = sectors[np.append(0, cuts + 1)].tolist()
    lasts = sectors[np.append(cuts, len(sectors) - 1)].tolist()
    return [(first * SECTOR, (last + 1) * SECTOR) for first, last in zip(firsts, lasts, strict=True)]
