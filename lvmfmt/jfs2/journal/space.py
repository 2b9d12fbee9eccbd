"""Giving out and taking back blocks: those that were given back rest until their commit is safe.

A block is handed out again only when no crash can bring its old owner back. Source: [jfs2 3.2].
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np

from ...errors import NoSpace
from ...units import ceil_div
from ..geometry import BLOCKS_PER_DMAP, MAX_EXTENT, Geometry
from ..maps.map_file import MapFile
from .block_map import MountedBlockMap
from .images import Extents


class MountedSpace:
    """The blocks of a mounted file system.

    Args:
        geometry: of the file system.
        map_file: its block map.
        force: makes all commits durable, and calls `settle`.
    """

    def __init__(self, geometry: Geometry, map_file: MapFile, force: Callable[[], None]) -> None:
        self._geometry, self._force, self._where = geometry, force, map_file.volume.where
        self._map = MountedBlockMap(geometry, map_file)
        self._longest: dict[int, int] = {}  # no run in a page of the map is longer, where that is known
        self._resting: deque[tuple[int, int, int]] = deque()
        self._at_rest = 0

    @property
    def free(self) -> int:
        """Free blocks, those included that come back with the next force."""
        return self._map.free + self._at_rest

    def allocate(self, blocks: int, *, near: int, contiguous: bool = False) -> Extents:
        """Take free blocks: the first run at or behind `near` (cyclic) that is long enough, else the longest runs.

        Args:
            blocks: how many.
            near: block address where looking starts.
            contiguous: refuse several runs.

        Returns:
            Extents in ascending address, none longer than an extent may be.

        Raises:
            NoSpace: there are not enough; nothing was taken.
        """
        if blocks == 0:
            return []
        near = near if 0 <= near < self._geometry.blocks else 0
        found = self._find(blocks, near, contiguous)
        if not found and self._resting:
            self._force()
            found = self._find(blocks, near, contiguous)
        if not found:
            raise NoSpace(f"no room for {blocks} more blocks", where=self._where)
        for start, length in found:
            self._mark(start, length, True)
        return [
            (at, min(MAX_EXTENT, start + length - at))
            for start, length in found
            for at in range(start, start + length, MAX_EXTENT)
        ]

    def allocate_in_group(self, blocks: int, *, near: int) -> int | None:
        """Take one run of free blocks inside the allocation group of `near`: its address, None if there is none.

        Only runs that lie in one page of the map are looked at (8,192 blocks).
        """
        start = self._run_in_group(blocks, near)
        if start is not None:
            self._mark(start, blocks, True)
        return start

    def has_room_in_group(self, blocks: int, *, near: int) -> bool:
        """Whether `allocate_in_group` would find a run."""
        return self._run_in_group(blocks, near) is not None

    def group_with_room(self, blocks: int, *, near: int) -> int | None:
        """First block of the next allocation group, from that of `near` on, where `allocate_in_group` finds a run."""
        start = self._within_a_page(blocks, near)
        return None if start is None else start - start % self._geometry.ag_size

    def release(self, address: int, length: int) -> None:
        """Give blocks back that no crash can bring back.

        Raises:
            CorruptImage: they are not in use.
        """
        self._mark(address, length, False)

    def take(self, address: int, length: int) -> None:
        """Take blocks that are known to be free.

        Raises:
            CorruptImage: they are in use.
        """
        self._mark(address, length, True)

    def check(self, address: int, length: int) -> None:
        """Refuse blocks that cannot be given back, see `MountedBlockMap.check`."""
        self._map.check(address, length)

    def rest(self, extents: Extents, until: int) -> None:
        """Blocks that a commit has freed, whose record ends at the log position `until`."""
        for address, length in extents:
            self._resting.append((until, address, length))
            self._at_rest += length

    def settle(self, durable: int) -> None:
        """Free the blocks whose commit is durable."""
        while self._resting and self._resting[0][0] <= durable:
            _, address, length = self._resting.popleft()
            self._at_rest -= length
            self.release(address, length)

    def write(self) -> None:
        """Write what has changed of the map, see `MountedBlockMap.write`."""
        self._map.write()

    def _mark(self, address: int, length: int, used: bool) -> None:
        self._map.mark(address, length, used)
        if not used:
            for d in range(address // BLOCKS_PER_DMAP, (address + length - 1) // BLOCKS_PER_DMAP + 1):
                self._longest.pop(d, None)

    def _find(self, blocks: int, near: int, contiguous: bool) -> Extents:
        """Free runs for `blocks` blocks, ascending; none where there is no room."""
        if blocks > self._map.free:
            return []
        if blocks <= BLOCKS_PER_DMAP and (start := self._within_a_page(blocks, near)) is not None:
            return [(start, blocks)]
        shorter: Extents = []
        for start, length in chain(self._free_runs(near, self._geometry.blocks), self._free_runs(0, near)):
            if length >= blocks:
                return [(start, blocks)]
            shorter.append((start, length))
        if contiguous:  # the run around `near` was seen in two parts
            return self._find(blocks, 0, True) if near else []
        chosen: Extents = []
        for start, length in sorted(shorter, key=lambda run: -run[1]):
            part = min(length, blocks)
            chosen.append((start, part))
            blocks -= part
            if not blocks:
                return sorted(chosen)
        return []

    def _run_in_group(self, blocks: int, near: int) -> int | None:
        group = near // self._geometry.ag_size
        pages = self._geometry.ag_size // BLOCKS_PER_DMAP
        return self._within_a_page(blocks, near, range(group * pages, min((group + 1) * pages, self._map.pages)))

    def _within_a_page(self, blocks: int, near: int, pages: range | None = None) -> int | None:
        """The first run behind `near` (cyclic) that is long enough, in `pages` of the map, and does not cross them."""
        pattern = bytes(blocks)
        first, inside = divmod(near, BLOCKS_PER_DMAP)
        if self._longest.get(first, blocks) >= blocks:
            at = self._map.bits(first).find(pattern, inside)
            if at >= 0:
                return first * BLOCKS_PER_DMAP + at
        pages = range(self._map.pages) if pages is None else pages
        for d in chain(range(first + 1, pages.stop), range(pages.start, first + 1)):
            if self._longest.get(d, blocks) < blocks:
                continue
            at = self._map.bits(d).find(pattern)
            if at >= 0:
                return d * BLOCKS_PER_DMAP + at
            self._longest[d] = blocks - 1
        return None

    def _free_runs(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs of free blocks among the blocks `first` to `end` - 1."""
        start = length = 0
        for d in range(first // BLOCKS_PER_DMAP, ceil_div(end, BLOCKS_PER_DMAP)):
            if self._longest.get(d) == 0:
                continue
            base = d * BLOCKS_PER_DMAP
            low, high = max(first - base, 0), min(end - base, BLOCKS_PER_DMAP)
            used = np.frombuffer(self._map.bits(d), np.bool_)[low:high]
            edges = np.flatnonzero(np.diff(used, prepend=True, append=True)) + base + low
            for a, b in edges.reshape(-1, 2).tolist():
                if length and a == start + length:
                    length += b - a
                    continue
                if length:
                    yield start, length
                start, length = a, b - a
        if length:
            yield start, length
