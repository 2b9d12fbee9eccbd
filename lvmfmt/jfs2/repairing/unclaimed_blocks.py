"""Free blocks for what a repair builds anew; what is given out was nobody's, so the old state stays whole below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import NoSpace
from ..maps.free_space import FreeSpace
from ..volume import Volume

Ranges = list[tuple[int, int]]
"""(first block, block after the last) pairs."""


class UnclaimedBlocks:
    """Blocks that nobody has claimed.

    Args:
        volume: the file system.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._taken: list[NDArray[np.int64]] = []
        self._free: FreeSpace | None = None
        self.given: Ranges = []

    def keep(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        """These blocks are somebody's, arrays of shape (ranges,); asked for before anything is taken in a round."""
        self._taken.append(np.stack((starts, ends)))
        self._free = None

    def take(self, blocks: int) -> int:
        """First block of a free run, which is taken.

        Raises:
            NoSpace: there is none so long.
        """
        if self._free is None:
            self._free = FreeSpace(self._runs(), self._full, lowest=True)
        start = self._free.take(blocks)
        self.given.append((start, start + blocks))
        return start

    def _full(self, wanted: str, _: str) -> NoSpace:
        return NoSpace(f"no room for {wanted} that a repair needs", where=self._volume.where)

    def _runs(self) -> NDArray[np.int64]:
        """First block and length of free runs, shape (runs, 2)."""
        given = np.array(self.given, np.int64).reshape(-1, 2).T
        ranges = np.concatenate((*self._taken, given), axis=1)
        ranges = ranges[:, np.argsort(ranges[0], kind="stable")]
        reach = np.maximum.accumulate(ranges[1]) if ranges.shape[1] else ranges[1]
        self._taken = [np.stack((ranges[0], reach))]
        starts, ends = np.append(0, reach), np.append(ranges[0], self._volume.blocks)
        gaps = ends > starts
        return np.stack((starts[gaps], (ends - starts)[gaps]), axis=1)
