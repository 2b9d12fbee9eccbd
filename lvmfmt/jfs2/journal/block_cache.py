"""The write-back cache of a mounted file system's metadata, block by block.

Changed blocks stay until they may go home; then they are clean, and stay until the room is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...block import BlockDevice, Buffer
from ...block.device import Extent, byte_view

_LARGEST = 1 << 20
"""Bytes of one write home, at most."""
_CLEAN = 16 << 20
"""Bytes of blocks that are kept though they are home."""


class BlockCache(BlockDevice):
    """A device as it is with all committed changes; writes stay in memory, block by block.

    Only whole blocks are kept, and never one that holds something else too: data go to the device itself.

    Args:
        device: what lies below; its other blocks may change while the cache is in use.
        block_size: bytes of a block.
    """

    writable = True

    def __init__(self, device: BlockDevice, block_size: int) -> None:
        self.name, self.size = device.name, device.size
        self._device, self._block_size = device, block_size
        self._blocks: dict[int, bytearray] = {}
        self._dirty: set[int] = set()

    @property
    def dirty_bytes(self) -> int:
        """Bytes that are not home yet."""
        return len(self._dirty) * self._block_size

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        view, size = byte_view(buffer, fill=True), self._block_size
        end = offset + len(view)
        first, last = offset // size, -(-end // size)
        changed = [number for number in range(first, last) if number in self._blocks] if self._blocks else []
        if len(changed) < last - first:
            self._device.read_into(offset, view)
        for number in changed:
            low, high = max(number * size, offset), min((number + 1) * size, end)
            view[low - offset : high - offset] = self._blocks[number][low - number * size : high - number * size]

    def write(self, offset: int, buffer: Buffer) -> None:
        """Keep the bytes in memory."""
        view, size = byte_view(buffer), self._block_size
        self.check_range(offset, len(view))
        at = offset
        while at < offset + len(view):
            number, inside = divmod(at, size)
            part = view[at - offset : at - offset + size - inside]
            block = self._blocks.get(number)
            if block is None:
                whole = len(part) == size
                block = self._blocks[number] = bytearray(size if whole else self._device.read(number * size, size))
            block[inside : inside + len(part)] = part
            self._dirty.add(number)
            at += len(part)

    def forget(self, address: int, length: int) -> None:
        """Drop blocks that no longer belong to metadata."""
        known = range(address, address + length)
        for number in known if length <= len(self._blocks) else [n for n in self._blocks if n in known]:
            self._blocks.pop(number, None)
            self._dirty.discard(number)

    def write_home(self) -> None:
        """Write everything that is not home to the device in ascending order, without a barrier."""
        numbers = np.array(sorted(self._dirty), np.int64)
        for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1) if len(numbers) else []:
            most = _LARGEST // self._block_size
            for start in range(0, len(run), most):
                part = run[start : start + most].tolist()
                self._device.write(part[0] * self._block_size, b"".join([self._blocks[n] for n in part]))
        self._dirty.clear()
        while len(self._blocks) * self._block_size > _CLEAN:
            del self._blocks[next(iter(self._blocks))]

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """The whole range as data: what the cache holds is part of it."""
        yield Extent(offset, self.length_of(offset, length), True)

    def punch(self, offset: int, length: int) -> None:
        """Write zeros."""
        self.write(offset, bytes(length))

    def flush(self) -> None:
        """Nothing to do: blocks go home with `write_home`."""

    def close(self) -> None:
        """Drop the changes."""
        self._blocks.clear()
        self._dirty.clear()
