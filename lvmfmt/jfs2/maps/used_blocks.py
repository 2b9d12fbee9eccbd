"""Which blocks are in use: as ranges, or as the bits of an existing block map with what is about to change.

Source: [jfs2 1.3, 2.7].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...units import align_up
from ..geometry import BLOCKS_PER_DMAP, dmap_page
from ..nodes.map_words import bits_of
from .map_file import MapFile

DMAPS_PER_L0 = 1024
BLOCKS_PER_L0 = BLOCKS_PER_DMAP * DMAPS_PER_L0


class BlockUse(Protocol):
    """Which blocks are in use."""

    def bits(self, first: int, count: int) -> NDArray[np.bool_]:
        """Which of the blocks `first` and on are used: shape (count,)."""

    def is_free(self, first: int, end: int) -> bool:
        """Whether none of the blocks `first` to `end` - 1 is used, as far as that is cheap to say."""


class UsedBlocks:
    """A set of used blocks as sorted, disjoint ranges: cheap however large the file system is.

    Args:
        ranges: (first block, number of blocks), shape (ranges, 2); they may touch but not overlap.
    """

    def __init__(self, ranges: NDArray[np.int64]) -> None:
        ranges = ranges[ranges[:, 1] > 0]
        ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
        self.starts = ranges[:, 0].copy()
        self.ends = self.starts + ranges[:, 1]
        if (self.starts[1:] < self.ends[:-1]).any():
            raise ValueError("a block is given out twice")

    def bits(self, first: int, count: int) -> NDArray[np.bool_]:
        """See `BlockUse.bits`."""
        a, b = np.searchsorted(self.ends, first, "right"), np.searchsorted(self.starts, first + count, "left")
        edges = np.zeros(count + 1, np.int32)
        np.add.at(edges, np.clip(self.starts[a:b] - first, 0, count), 1)
        np.add.at(edges, np.clip(self.ends[a:b] - first, 0, count), -1)
        return np.cumsum(edges[:-1]) > 0

    def is_free(self, first: int, end: int) -> bool:
        """See `BlockUse.is_free`."""
        return bool(np.searchsorted(self.ends, first, "right") == np.searchsorted(self.starts, end, "left"))


NO_BLOCKS = UsedBlocks(np.zeros((0, 2), np.int64))


class MappedBlocks:
    """The used blocks of an existing map, whatever its size will be.

    Args:
        file: the map.
        blocks: how many the map knows; those behind are free.
        more: blocks that are used as well.
        fewer: blocks that are free whatever the map says.
    """

    def __init__(self, file: MapFile, blocks: int, more: UsedBlocks = NO_BLOCKS, fewer: UsedBlocks = NO_BLOCKS) -> None:
        self._file, self._blocks = file, blocks
        self._more, self._fewer = more, fewer

    def bits(self, first: int, count: int) -> NDArray[np.bool_]:
        """See `BlockUse.bits`; both numbers are multiples of 8192, inside one level-0 group."""
        result = np.zeros(count, bool)
        known = min(max(self._blocks - first, 0), count)
        if known:
            dmap = self._file.volume.dialect.structures.dmap
            rows = self._file.table(dmap, dmap_page(first // BLOCKS_PER_DMAP), -(-known // BLOCKS_PER_DMAP))
            result[:known] = bits_of(rows["wmap"]).ravel()[:known]
        return (result & ~self._fewer.bits(first, count)) | self._more.bits(first, count)

    def is_free(self, first: int, end: int) -> bool:
        """See `BlockUse.is_free`: only what lies behind the map is looked at."""
        return first >= self._blocks and self._more.is_free(first, end)


def last_used(use: BlockUse, first: int, blocks: int) -> int:
    """The last used block from `first` to `blocks` - 1, -1 for none."""
    found = -1
    for base, bits in _level0_bits(use, first // BLOCKS_PER_L0 * BLOCKS_PER_L0, blocks):
        used = np.flatnonzero(bits) + base
        found = int(used[-1]) if len(used) and used[-1] >= first else found
    return found


def free_runs(use: BlockUse, blocks: int) -> NDArray[np.int64]:
    """First block and length of every free run before block `blocks`, shape (runs, 2)."""
    found = []
    for base, bits in _level0_bits(use, 0, blocks):
        edges = np.flatnonzero(np.diff(bits, prepend=True, append=True)).reshape(-1, 2)
        found.append(np.stack((edges[:, 0] + base, edges[:, 1] - edges[:, 0]), axis=1))
    return np.concatenate(found)


def _level0_bits(use: BlockUse, first: int, blocks: int) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    for base in range(first, blocks, BLOCKS_PER_L0):
        count = min(BLOCKS_PER_L0, blocks - base)
        yield base, use.bits(base, align_up(count, BLOCKS_PER_DMAP))[:count]
