"""What committed records say of the maps: blocks and inodes that came into use or were given back, newest first.

The newest event of a block or inode decides. Source: [jfs2 3.10.7 to 3.10.9].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import EXTENTS_PER_IAG, INODES_PER_EXTENT
from ..volume import Volume
from .records import LoggedExtent


class MapEvents:
    """Events of the block map and of the inode maps.

    Args:
        volume: the file system; every extent is checked against its size.

    Attributes:
        inodes: whether a file's inode is in use, by its number.
        extents: block address of an inode extent of the fileset, 0 when given back, by (IAG, index).
        table_entries: the same by (block of the IAG's page, index), from records that name the page.
        aggregate_inodes: whether an inode of the aggregate is in use, by its number.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._blocks: list[tuple[int, int, bool]] = []
        self.inodes: dict[int, bool] = {}
        self.extents: dict[tuple[int, int], int] = {}
        self.table_entries: dict[tuple[int, int], int] = {}
        self.aggregate_inodes: dict[int, bool] = {}

    def blocks(self, extent: LoggedExtent, used: bool) -> None:
        """Blocks came into use, or were given back.

        Raises:
            CorruptImage: they are not in the file system.
        """
        self._volume.check_extent(extent.address, extent.length, "log_record", "pxd", None)
        self._blocks.append((extent.address, extent.length, used))

    def inode(self, number: int, used: bool, extent: LoggedExtent) -> None:
        """A file's inode in an inode extent came into use, or was given back."""
        if used:
            self.blocks(extent, True)
            self.extents.setdefault(divmod(number // INODES_PER_EXTENT, EXTENTS_PER_IAG), extent.address)
        self.inodes.setdefault(number, used)

    def free_inode_extent(self, iag: int, index: int, extent: LoggedExtent) -> None:
        """An inode extent of the fileset was given back with its inodes."""
        self.blocks(extent, False)
        self.extents.setdefault((iag, index), 0)
        first = (iag * EXTENTS_PER_IAG + index) * INODES_PER_EXTENT
        for number in range(first, first + INODES_PER_EXTENT):
            self.inodes.setdefault(number, False)

    def block_table(self) -> NDArray[np.int64]:
        """(address, length, 1 for used and 0 for free) of every event of blocks, oldest first: shape (events, 3)."""
        return np.array(self._blocks[::-1], np.int64).reshape(-1, 3)
