"""Where moved blocks are now, and what says so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nodes.index_slots import INDEX_SLOT_VALID, get_leaves, index_slots, put_leaves
from ..volume import Volume


class Relocation:
    """Runs of blocks that moved as they are.

    Args:
        moves: first block, length, new first block, shape (moves, 3), none overlapping.
    """

    def __init__(self, moves: NDArray[np.int64]) -> None:
        moves = moves[np.argsort(moves[:, 0], kind="stable")]
        self._start, self._end = moves[:, 0], moves[:, 0] + moves[:, 1]
        self._shift = moves[:, 2] - moves[:, 0]

    def blocks(self, addresses: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the blocks are afterwards, same shape; what did not move stays."""
        if not len(self._start):
            return addresses
        row = np.maximum(np.searchsorted(self._start, addresses, "right") - 1, 0)
        inside = (self._start[row] <= addresses) & (addresses < self._end[row])
        return np.where(inside, addresses + self._shift[row], addresses)

    def block(self, address: int) -> int:
        """Where one block is."""
        return int(self.blocks(np.array([address]))[0])

    def bytes(self, offsets: NDArray[np.int64], block_size: int) -> NDArray[np.int64]:
        """The same for byte offsets."""
        return self.blocks(offsets // block_size) * block_size + offsets % block_size

    def pxds(self, volume: Volume, table: NDArray[Any]) -> None:
        """Change the addresses of a table of `pxd` in place."""
        length, address = volume.dialect.get_pxd(table)
        volume.dialect.put_pxd(table, slice(None), self.blocks(address), length)


def relocate_index(slots: NDArray[np.uint8], moves: Relocation) -> None:
    """Change in place, in bytes of a directory's index, shape (slots * 8,), where the leaves are that it names."""
    table = index_slots(slots)
    address = get_leaves(table)
    put_leaves(table, np.where(table["flag"] == INDEX_SLOT_VALID, moves.blocks(address), address))
