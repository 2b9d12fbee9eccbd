"""Disks in memory for mutants: written to, looked at, and put back to what they were in microseconds."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from lvmfmt.block import BlockDevice, Buffer, Bytes, Extent
from lvmfmt.block.device import byte_view
from lvmfmt.units import MIB

_PAGE = 4096


class Disk(BlockDevice):
    """A copy of a device in memory; pages of zeros take no space, and are holes.

    Args:
        source: what it is at first.
        name: what messages call it.

    Attributes:
        sound: its bytes; what they were at first after `reset`.
        changed: whether something was written since `settle`.
        reads: (offset, length) of what is read, while that is wanted; None for not.
    """

    writable = True

    def __init__(self, source: BlockDevice, name: str) -> None:
        self.name, self.size = name, source.size
        self.sound = memoryview(mmap.mmap(-1, source.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        self.changed = False
        self.reads: list[tuple[int, int]] | None = None
        self._before: list[tuple[int, bytes]] = []
        self._used = np.zeros(-(-source.size // _PAGE), bool)
        for extent in source.extents():
            for at in range(extent.offset, extent.offset + extent.length, MIB) if extent.is_data else ():
                data = source.read(at, min(MIB, extent.offset + extent.length - at))
                for page in range(at // _PAGE * _PAGE, at + len(data), _PAGE):
                    part = data[max(page - at, 0) : page + _PAGE - at]
                    if part.any():
                        self.sound[max(page, at) : max(page, at) + len(part)] = part.data
                        self._used[page // _PAGE] = True
        self._sound_use = self._used.copy()

    def reset(self) -> None:
        """Make it what it was at first."""
        for offset, data in reversed(self._before):
            self.sound[offset : offset + len(data)] = data
        if self._before:
            self._used[:] = self._sound_use
        self._before.clear()
        self.changed = False

    def settle(self) -> None:
        """What was written until now is part of the mutant."""
        self.changed = False

    def read(self, offset: int, length: int) -> Bytes:
        """See `BlockDevice.read`."""
        self.check_range(offset, length)
        if self.reads is not None:
            self.reads.append((offset, length))
        # a bytearray in between: the array may be written to
        return np.frombuffer(bytearray(self.sound[offset : offset + length]), np.uint8) if length else _NOTHING.copy()

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        if self.reads is not None:
            self.reads.append((offset, len(view)))
        view[:] = self.sound[offset : offset + len(view)]

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`."""
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        end = offset + len(view)
        self._before.append((offset, bytes(self.sound[offset:end])))
        self.sound[offset:end] = view
        self._used[offset // _PAGE : -(-end // _PAGE)] = True
        self.changed = True

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Pages that have held something are data."""
        length = self.size - offset if length is None else length
        self.check_range(offset, length)
        end = offset + length
        first = offset // _PAGE
        used = self._used[first : -(-end // _PAGE)]
        starts = [0, *(np.flatnonzero(used[1:] != used[:-1]) + 1).tolist(), len(used)] if length else []
        for start, stop in pairwise(starts):
            low, high = max((first + start) * _PAGE, offset), min((first + stop) * _PAGE, end)
            yield Extent(low, high - low, bool(used[start]))

    def punch(self, offset: int, length: int) -> None:
        """Write zeros."""
        self.write(offset, bytes(length))

    def flush(self) -> None:
        """Nothing: memory does not survive."""

    def close(self) -> None:
        """Nothing: it stays."""


_NOTHING = np.empty(0, np.uint8)


class Opened(BlockDevice):
    """A disk as one opening of it by its path sees it.

    Args:
        disk: the disk.
        path: where it was opened.
        writable: as it was opened.
    """

    def __init__(self, disk: Disk, path: Path, *, writable: bool) -> None:
        self._disk, self.name, self.size, self.writable = disk, str(path), disk.size, writable

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        self._disk.read_into(offset, buffer)

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """See `BlockDevice.extents`."""
        return self._disk.extents(offset, length)

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`."""
        self.check_writable()
        self._disk.write(offset, buffer)

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`."""
        self.check_writable()
        self._disk.punch(offset, length)

    def flush(self) -> None:
        """Nothing: memory does not survive."""

    def close(self) -> None:
        """Nothing: the disk stays."""
