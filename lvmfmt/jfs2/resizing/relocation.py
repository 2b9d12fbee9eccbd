"""Where moved blocks are now, and pages of directories that say so.

Source: [jfs2 2.5].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2.jfs1 import DIRTABLE_SLOT
from ..nodes.directory_node import SLOT
from ..nodes.tree_flags import INTERNAL
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

    def bytes(self, offsets: NDArray[np.int64], block_size: int) -> NDArray[np.int64]:
        """The same for byte offsets."""
        return self.blocks(offsets // block_size) * block_size + offsets % block_size

    def pxds(self, volume: Volume, table: NDArray[Any]) -> None:
        """Change the addresses of a table of `pxd` in place."""
        length, address = volume.dialect.get_pxd(table)
        volume.dialect.put_pxd(table, slice(None), self.blocks(address), length)


def relocate_page(volume: Volume, page: NDArray[np.uint8], moves: Relocation) -> None:
    """Change, in a directory page (shape (bytes,)), the addresses of its siblings, itself and its children."""
    header = volume.dialect.structures.dtree_page_header.table(page, 1)
    for field in ("next", "prev"):
        header[field] = moves.blocks(header[field].astype(np.int64))
    moves.pxds(volume, header["self"])
    if header["flag"][0] & INTERNAL:
        start = int(header["stblindex"][0]) * SLOT
        _routers(volume, page, page[start : start + int(header["nextindex"][0])], moves)


def relocate_root(volume: Volume, root: NDArray[np.uint8], moves: Relocation) -> None:
    """The same for the root of a directory, shape (288,)."""
    header = volume.dialect.structures.dtree_root.table(root, 1)
    if header["flag"][0] & INTERNAL:
        _routers(volume, root, header["stbl"][0, : int(header["nextindex"][0])], moves)


def relocate_index(slots: NDArray[np.uint8], moves: Relocation) -> None:
    """The same for slots of a directory's index, shape (slots * 8,): those that are valid name leaves."""
    table = slots.view(DIRTABLE_SLOT.dtype)
    address = table["addr_hi"].astype(np.int64) << 32 | table["addr_lo"].astype(np.int64)
    address = np.where(table["flag"] == 1, moves.blocks(address), address)
    table["addr_hi"], table["addr_lo"] = address >> 32, address & 0xFFFFFFFF


def _routers(volume: Volume, node: NDArray[np.uint8], stbl: NDArray[Any], moves: Relocation) -> None:
    slots = volume.dialect.structures.internal_slot.table(node, len(node) // SLOT)
    chosen = slots["pxd"][stbl]
    moves.pxds(volume, chosen)
    slots["pxd"][stbl] = chosen
