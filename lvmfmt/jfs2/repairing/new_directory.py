"""A new directory tree from names, by the bulk builder; with its index where the file system has one.

Source: [jfs2 2.5].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block.overlay import Overlay
from ..building.dir_index import IndexTables
from ..building.dtree_build import Directories
from ..superblock import Superblock
from .directories import Name
from .unclaimed_blocks import UnclaimedBlocks


def build_directory(
    device: Overlay,
    superblock: Superblock,
    room: UnclaimedBlocks,
    row: NDArray[Any],
    parent: int,
    names: Sequence[Name],
) -> None:
    """Make `names` the content of a directory: new pages in free blocks, and its inode row (shape (1,)) changed.

    `di_nblocks` stays as it is.

    Raises:
        NoSpace: there is no room for its pages.
    """
    volume, bpp = superblock.volume(device), superblock.geometry.blocks_per_page
    indexed = superblock.indexed_directories
    tree = Directories(
        superblock.dialect, np.array([row["di_number"][0]]), np.array([parent]), np.zeros(len(names), np.int64),
        np.array([name.number for name in names], np.uint64), [name.name for name in names], indexed=indexed,
    )  # fmt: skip
    addresses = np.array([room.take(bpp) for _ in range(tree.page_total)], np.int64)
    roots, pages = tree.render(addresses, bpp)
    for address, page in zip(addresses.tolist(), pages, strict=True):
        device.write(address * volume.block_size, page)
    row["di_size"] = tree.sizes()
    if indexed:
        blocks = row["di_nblocks"].copy()
        tables = IndexTables(superblock.dialect, tree, bpp)
        count = int(tables.page_counts.sum())
        first = room.take(count * bpp) if count else 0
        content = tables.render(addresses, first)
        if count:
            device.write(first * volume.block_size, content)
        row["dirtable"] = 0
        only = np.zeros(1, np.int64)
        tables.fill(row, only, only)
        row["di_nblocks"] = blocks
    row["root"] = roots
