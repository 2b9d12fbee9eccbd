"""Free runs of blocks, and giving parts of them out: the largest run first, so that what follows stays together."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from ...errors import NoSpace
from ...units import align_up
from ..geometry import BLOCKS_PER_DMAP, MAX_EXTENT
from ..maps.blockmap import BLOCKS_PER_L0, MapBits


def last_used(bits: MapBits, first: int, blocks: int) -> int:
    """The last used block from `first` on, -1 for none."""
    found = -1
    for base in range(first // BLOCKS_PER_L0 * BLOCKS_PER_L0, blocks, BLOCKS_PER_L0):
        used = np.flatnonzero(_group(bits, base, blocks)) + base
        found = int(used[-1]) if len(used) and used[-1] >= first else found
    return found


def free_runs(bits: MapBits, blocks: int) -> NDArray[np.int64]:
    """First block and length of every free run before block `blocks`, shape (runs, 2)."""
    found = []
    for base in range(0, blocks, BLOCKS_PER_L0):
        edges = np.diff(np.concatenate(([True], _group(bits, base, blocks), [True])).astype(np.int8))
        starts, ends = np.flatnonzero(edges == -1), np.flatnonzero(edges == 1)
        found.append(np.stack((starts + base, ends - starts), axis=1))
    return np.concatenate(found)


def _group(bits: MapBits, base: int, blocks: int) -> NDArray[np.bool_]:
    count = min(BLOCKS_PER_L0, blocks - base)
    return bits.bits(base, align_up(count, BLOCKS_PER_DMAP))[:count]


class FreeSpace:
    """Gives out blocks of free runs.

    Args:
        runs: first block and length, shape (runs, 2).
        where: name of the device, for messages.
    """

    def __init__(self, runs: NDArray[np.int64], where: str) -> None:
        self._heap = [(-length, start) for start, length in runs.tolist()]
        heapq.heapify(self._heap)
        self._where = where

    def take(self, length: int, align: int = 1) -> int:
        """First of `length` blocks in one run, a multiple of `align`.

        Raises:
            NoSpace: no run is long enough.
        """
        if self._heap:
            negative, start = self._heap[0]
            end, first = start - negative, align_up(start, align)
            if first + length <= end:
                heapq.heappop(self._heap)
                self._give_back(start, first)
                self._give_back(first + length, end)
                return first
        longest = -self._heap[0][0] if self._heap else 0
        raise self._full(f"{length} blocks in one piece", f"the longest free run is {longest}")

    def take_pieces(self, length: int) -> list[tuple[int, int]]:
        """(first block, length) of pieces of `length` blocks in all: one where a run is long enough.

        Raises:
            NoSpace: that many are not free.
        """
        pieces = []
        while length:
            if not self._heap:
                raise self._full(f"{length} blocks", "no more are free")
            part = min(length, -self._heap[0][0], MAX_EXTENT)
            pieces.append((self.take(part), part))
            length -= part
        return pieces

    def _give_back(self, start: int, end: int) -> None:
        if end > start:
            heapq.heappush(self._heap, (start - end, start))

    def _full(self, wanted: str, there: str) -> NoSpace:
        return NoSpace(
            f"what lies behind the new end needs {wanted} before it, {there}", where=self._where,
            hint="choose a larger size, shrink in steps (each shortens the block map), or remove files first",
        )  # fmt: skip
