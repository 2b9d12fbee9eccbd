"""Free blocks for what a repair builds anew; what is given out was nobody's, so the old state stays whole below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import NoSpace
from ..volume import Volume

Ranges = list[tuple[int, int]]
"""(first block, block after the last) pairs."""


class Room:
    """Blocks that nobody has claimed.

    Args:
        volume: the file system.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._taken: list[NDArray[np.int64]] = []
        self._free: NDArray[np.int64] | None = None
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
        free = self._runs()
        fits = np.flatnonzero(free[1] - free[0] >= blocks)
        if not len(fits):
            raise NoSpace(f"no room for {blocks} blocks that a repair needs", where=self._volume.where)
        start = int(free[0, fits[0]])
        free[0, fits[0]] += blocks
        self.given.append((start, start + blocks))
        return start

    def _runs(self) -> NDArray[np.int64]:
        """First blocks and ends of free runs, shape (2, runs)."""
        if self._free is None:
            given = np.array(self.given, np.int64).reshape(-1, 2).T
            ranges = np.concatenate((*self._taken, given), axis=1)
            ranges = ranges[:, np.argsort(ranges[0], kind="stable")]
            reach = np.maximum.accumulate(ranges[1]) if ranges.shape[1] else ranges[1]
            starts, ends = np.append(0, reach), np.append(ranges[0], self._volume.blocks)
            gaps = ends > starts
            joined = np.stack((reach, reach))
            self._taken = [np.stack((ranges[0], joined[0]))] if ranges.shape[1] else []
            self._free = np.stack((starts[gaps], ends[gaps]))
        return self._free
