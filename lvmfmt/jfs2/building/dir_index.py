"""Directory indexes in bulk (Linux dialect, DIR_INDEX): the tables that find an entry by a number that stays the same.

The entries of a directory get their indexes in the order of its tree. Up to 12 slots lie in the inode; a longer table
has pages, all in one extent. Source: [jfs2 2.3 to 2.5].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...layout.jfs2.jfs1 import DIRTABLE_SLOT
from ..dialect import Dialect
from ..geometry import PAGE
from ..nodes.directory_node import DIRECTORY_SIZE_OF_ROOT, FIRST_INDEX, INDEX_SLOTS_A_PAGE, INLINE_INDEXES
from ..nodes.extent_node import INDEX_ROOT_ENTRIES
from ..nodes.index_slots import INDEX_SLOT_VALID, put_leaves
from .dtree_build import Directories
from .xtree_build import ExtentTrees, FileRuns


def table_trees(dialect: Dialect, page_counts: NDArray[np.int64], blocks_per_page: int) -> tuple[ExtentTrees, FileRuns]:
    """The extent trees of tables whose pages follow each other, and their runs, whose addresses are still to come.

    Every page is an extent of its own, even where pages follow each other: `jfs_fsck` reads one page an extent.

    Args:
        dialect: that of Linux.
        page_counts: pages of each table, shape (tables,).
        blocks_per_page: length of a page in blocks.
    """
    table = np.repeat(np.arange(len(page_counts)), page_counts)
    page = np.arange(len(table)) - np.repeat(np.cumsum(page_counts) - page_counts, page_counts)
    length = np.full(len(table), blocks_per_page)
    runs = FileRuns(table, page * blocks_per_page, length, np.zeros(len(table), np.int64))
    return ExtentTrees(dialect, runs, len(page_counts), root_entries=INDEX_ROOT_ENTRIES), runs


class IndexTables:
    """The indexes of all directories of a file system.

    Args:
        dialect: that of Linux.
        directories: the trees, planned with indexes.
        blocks_per_page: length of a page in blocks.

    Attributes:
        page_counts: pages of each directory's table with its extent tree, shape (directories,).
    """

    def __init__(self, dialect: Dialect, directories: Directories, blocks_per_page: int) -> None:
        self._directories, self._bpp = directories, blocks_per_page
        self._counts = directories.entry_counts
        self._tables = np.where(self._counts > INLINE_INDEXES, -(-self._counts // INDEX_SLOTS_A_PAGE), 0)
        self._trees, self._runs = table_trees(dialect, self._tables, blocks_per_page)
        self.page_counts = self._tables + self._trees.page_counts

    def render(self, leaves: NDArray[np.int64], first_page: int) -> NDArray[np.uint8]:
        """The pages of all tables, then those of their trees, shape (pages, 4096).

        Args:
            leaves: block address of each page of a directory, see `Directories.render`.
            first_page: block address of the first page; the others follow it.
        """
        self._slots = self._entry_slots(leaves)
        end = self._runs.place(first_page)
        counts, trees = self._tables, self._trees.page_counts
        self._tree_at = np.where(trees > 0, end + (np.cumsum(trees) - trees) * self._bpp, 0)
        starts = np.cumsum(counts) - counts
        pages = np.zeros(int(counts.sum()) * INDEX_SLOTS_A_PAGE, DIRTABLE_SLOT.dtype)
        paged = np.repeat(counts > 0, self._counts)
        shift = starts * INDEX_SLOTS_A_PAGE - (np.cumsum(self._counts) - self._counts)
        pages[(np.arange(len(self._slots)) + np.repeat(shift, self._counts))[paged]] = self._slots[paged]
        above = [self._trees.pages(d, int(self._tree_at[d]), self._bpp) for d in np.flatnonzero(trees).tolist()]
        return np.concatenate((pages.view(np.uint8).reshape(-1, PAGE), *above))

    def sizes(self) -> NDArray[np.int64]:
        """`di_size` of each directory: bytes of its table; an empty one has that of a new root."""
        inline = np.where(self._counts == 0, DIRECTORY_SIZE_OF_ROOT, self._counts * DIRTABLE_SLOT.size)
        return np.where(self._tables > 0, self._tables * PAGE, inline)

    def fill(self, table: NDArray[Any], rows: NDArray[np.int64], directories: NDArray[np.int64]) -> None:
        """Put tables, or the roots of their trees, into inodes; `render` comes first.

        Args:
            table: inode rows, changed.
            rows: which of them are directories.
            directories: ... and which directory each of these is.
        """
        table["di_next_index"][rows] = FIRST_INDEX + self._counts[directories]
        table["di_size"][rows] = self.sizes()[directories]
        table["di_nblocks"][rows] += self.page_counts[directories] * self._bpp
        starts = np.cumsum(self._counts) - self._counts
        for row, d in zip(rows.tolist(), directories.tolist(), strict=True):
            if self._tables[d]:
                [area] = self._trees.roots(d, d + 1, self._tree_at, self._bpp)
            else:
                area = self._slots[starts[d] : starts[d] + self._counts[d]].view(np.uint8)
            table["dirtable"][row, : len(area)] = area

    def _entry_slots(self, leaves: NDArray[np.int64]) -> NDArray[Any]:
        address, position = self._directories.places(leaves)
        slots = DIRTABLE_SLOT.empty_table(len(address))
        slots["flag"], slots["slot"] = INDEX_SLOT_VALID, position
        put_leaves(slots, address)
        return slots
