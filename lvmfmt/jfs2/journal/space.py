"""The block map of a mounted file system: blocks that were given back rest until their commit is safe.

Source: reference section 3.2; a block is handed out again only when no crash can bring its old owner back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from ...block import BlockDevice
from ...errors import NoSpace
from ..geometry import BLOCKS_PER_DMAP, Geometry
from ..space import Extents, FreeSpace
from ..volume import Volume


class MountedSpace(FreeSpace):
    """Free space whose freed blocks come back when the log is durable.

    Args:
        volume: the file system.
        geometry: of it.
        map_file: the pages of the map, one after the other.
        force: makes all commits durable, and calls `settle`.
    """

    def __init__(self, volume: Volume, geometry: Geometry, map_file: BlockDevice, force: Callable[[], None]) -> None:
        super().__init__(volume, geometry, map_file)
        self._force = force
        self._resting: deque[tuple[int, int, int]] = deque()

    def allocate(self, blocks: int, *, near: int, contiguous: bool = False) -> Extents:
        """As `FreeSpace.allocate`; where there is no room, resting blocks are made safe first."""
        small = 0 < blocks <= BLOCKS_PER_DMAP and 0 < near < self._geometry.blocks
        if small and (start := self._close_to(near, blocks)) is not None:
            return self._take([(start, blocks)])
        try:
            return super().allocate(blocks, near=near, contiguous=contiguous)
        except NoSpace:
            if not self._resting:
                raise
            self._force()
            return super().allocate(blocks, near=near, contiguous=contiguous)

    def _close_to(self, near: int, blocks: int) -> int | None:
        """The first run of free blocks behind `near` that is long enough, in the same page of the map."""
        d, inside = divmod(near, BLOCKS_PER_DMAP)
        used = self._load(d)[inside:]
        if blocks == 1:
            first = int(used.argmin())
            return None if used[first] else near + first
        steps = np.flatnonzero(used[1:] != used[:-1]) + 1
        starts = np.concatenate(([0], steps))
        lengths = np.diff(np.concatenate((starts, [len(used)])))
        fitting = np.flatnonzero(~used[starts] & (lengths >= blocks))
        return near + int(starts[fitting[0]]) if len(fitting) else None

    def rest(self, extents: Extents, until: int) -> None:
        """Blocks that a commit has freed, whose record ends at the log position `until`."""
        self._resting.extend((until, address, length) for address, length in extents)

    def settle(self, durable: int) -> None:
        """Free the blocks whose commit is durable."""
        while self._resting and self._resting[0][0] <= durable:
            _, address, length = self._resting.popleft()
            self.release(address, length)
