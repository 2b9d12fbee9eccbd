"""Extent trees in bulk: where the data of every file goes, and the roots and pages that say so.

Roots that are leaves are made for many files at once, by a twin of `ExtentNodeCodec.write_root`.

Source: [jfs2 2.1], [jfs2 2.4].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..geometry import MAX_EXTENT, PAGE
from ..nodes.extent_node import FIRST_ENTRY, ROOT_ENTRIES, ExtentNodeCodec
from ..nodes.extent_tree import PageContent, lay_out, page_counts
from ..nodes.packed_extents import ENTRY, Piece
from ..nodes.tree_flags import ROOT_LEAF


@dataclass
class FileRuns:
    """Runs of blocks of files, ascending by inode and offset.

    Attributes:
        inode: number of the file that a run belongs to, shape (runs,).
        offset: logical block, shape (runs,).
        length: blocks, at most 2^24 - 1, shape (runs,).
        address: block address, shape (runs,); 0 until it is given.
        flag: flag of each extent, shape (runs,); None where all are 0.
    """

    inode: NDArray[np.int64]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    address: NDArray[np.int64]
    flag: NDArray[np.uint8] | None = None

    @classmethod
    def of(
        cls, inode: NDArray[Any], start: NDArray[Any], end: NDArray[Any], block_size: int
    ) -> tuple[FileRuns, NDArray[np.int64]]:
        """Runs that cover byte ranges of files (ascending by inode and start), without addresses.

        Returns:
            The runs, and the index of the run in which each range starts.
        """
        none = np.zeros(0, np.int64)
        if not len(inode):
            return cls(none, none, none, none), none
        first = start // block_size
        last = -(-end // block_size)
        new = np.ones(len(first), bool)
        new[1:] = (inode[1:] != inode[:-1]) | (first[1:] > last[:-1])
        heads = np.flatnonzero(new)
        offset = first[heads].astype(np.int64)
        length = np.maximum.reduceat(last, heads).astype(np.int64) - offset
        owner = inode[heads].astype(np.int64)
        parts = -(-length // MAX_EXTENT)  # an extent has 24 bits for its length
        part = np.cumsum(parts) - parts
        step = np.arange(parts.sum()) - np.repeat(part, parts)
        owner, offset, length = (np.repeat(a, parts) for a in (owner, offset, length))
        offset += step * MAX_EXTENT
        length = np.minimum(length - step * MAX_EXTENT, MAX_EXTENT)
        return cls(owner, offset, length, np.zeros(len(owner), np.int64)), part[np.cumsum(new) - 1]

    def place(self, first: int) -> int:
        """Give every run its address, one after the other from block `first`; returns the block after the last."""
        ends = np.cumsum(self.length)
        self.address = first + ends - self.length
        return first + int(self.length.sum())


class ExtentTrees:
    """Roots and pages of the extent trees of many files.

    Args:
        dialect: structures and byte order.
        runs: the runs of all files.
        files: one more than the largest inode number.
        root_entries: extents that a root has room for.

    Attributes:
        counts: extents of each file, by inode number, shape (files,).
        page_counts: tree pages that each file needs, shape (files,).
    """

    def __init__(self, dialect: Dialect, runs: FileRuns, files: int, *, root_entries: int = ROOT_ENTRIES) -> None:
        self._dialect, self._root_entries, self._codec = dialect, root_entries, ExtentNodeCodec(dialect)
        self._runs = runs
        self.counts = np.bincount(runs.inode, minlength=files).astype(np.int64)
        self._starts = np.cumsum(self.counts) - self.counts
        self.page_counts = np.zeros(files, np.int64)
        self._large = np.flatnonzero(self.counts > root_entries)
        for file in self._large.tolist():
            self.page_counts[file] = sum(page_counts(int(self.counts[file]), root_entries))

    def roots(self, first: int, last: int, addresses: NDArray[np.int64], blocks_per_page: int) -> NDArray[np.uint8]:
        """Root areas of the files `first` to `last` - 1, shape (files, 32 + 16 * root_entries), dtype uint8.

        Args:
            first: index of the first file.
            last: index after the last one.
            addresses: first tree page of every file (see `pages`), shape (files,); 0 where it has none.
            blocks_per_page: length of a page in blocks.
        """
        count, room = last - first, self._root_entries
        root = np.zeros((count, 32 + ENTRY * room), np.uint8)
        header = np.zeros(count, self._dialect.structures.xtree_header.dtype)
        entries = self.counts[first:last].copy()
        header["flag"] = ROOT_LEAF
        xads = np.zeros(count * room, self._dialect.structures.xad.dtype)
        a = int(self._starts[first]) if count else 0
        b = a + int(entries.sum())
        runs = self._runs
        file = runs.inode[a:b] - first
        index = np.arange(a, b) - self._starts[runs.inode[a:b]]
        small = entries[file] <= room
        where = (file * room + index)[small]
        offset, address, length = (x[a:b][small] for x in (runs.offset, runs.address, runs.length))
        self._dialect.put_xad(xads, where, offset, address, length, 0 if runs.flag is None else runs.flag[a:b][small])
        header["nextindex"] = FIRST_ENTRY + np.minimum(entries, room)
        header["maxentry"] = FIRST_ENTRY + room
        root[:, :32] = header.view(np.uint8).reshape(count, 32)
        root[:, 32:] = xads.view(np.uint8).reshape(count, ENTRY * room)
        for large in self._large[(self._large >= first) & (self._large < last)].tolist():
            _, top = self._lay_out(large, int(addresses[large]), blocks_per_page)
            self._codec.write_root(root[large - first], 0, top, leaf=False, maxentry=FIRST_ENTRY + room)
        return root

    def pages(self, file: int, first_page: int, blocks_per_page: int) -> NDArray[np.uint8]:
        """The tree pages of a file, shape (pages, 4096): leaves first, then each level above.

        Args:
            file: index of the file.
            first_page: block address of the first page; the others follow it.
            blocks_per_page: length of a page in blocks.
        """
        pages = np.zeros((int(self.page_counts[file]), PAGE), np.uint8)
        nodes, _ = self._lay_out(file, first_page, blocks_per_page)
        for page, (block, leaf, links, part) in zip(pages, nodes, strict=True):
            self._codec.write_page(page, part, leaf=leaf, block=block, length=blocks_per_page, links=links)
        return pages

    def _lay_out(self, file: int, first_page: int, blocks_per_page: int) -> tuple[list[PageContent], Sequence[Piece]]:
        """What lies in each page of a file's tree, and in its root."""
        start = int(self._starts[file])
        own, runs = slice(start, start + int(self.counts[file])), self._runs
        flag = np.zeros(self.counts[file], np.uint8) if runs.flag is None else runs.flag[own]
        columns = (column.tolist() for column in (runs.offset[own], runs.length[own], runs.address[own], flag))
        extents = list(zip(*columns, strict=True))
        levels = []
        for count in page_counts(len(extents), self._root_entries):
            levels.append(range(first_page, first_page + count * blocks_per_page, blocks_per_page))
            first_page = levels[-1].stop
        return lay_out(extents, levels, blocks_per_page)
