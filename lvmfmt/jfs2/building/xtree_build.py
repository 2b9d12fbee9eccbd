"""Extent trees in bulk: where the data of every file goes, and the roots and pages that say so.

Source: reference sections 2.1 and 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..geometry import MAX_EXTENT, PAGE
from ..nodes.extent_node import FIRST_ENTRY, PAGE_MAXENTRY, ROOT_INTERNAL, ROOT_LEAF, ROOT_MAXENTRY

ROOT_ENTRIES = ROOT_MAXENTRY - FIRST_ENTRY
PAGE_ENTRIES = PAGE_MAXENTRY - FIRST_ENTRY
ENTRY = 16
PAGE_LEAF, PAGE_INTERNAL = 0x02, 0x04


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
        self._dialect, self._root_entries = dialect, root_entries
        self._runs = runs
        self.counts = np.bincount(runs.inode, minlength=files).astype(np.int64)
        self._starts = np.cumsum(self.counts) - self.counts
        self.page_counts = np.zeros(files, np.int64)
        self._large = np.flatnonzero(self.counts > root_entries)
        for file in self._large.tolist():
            count = int(self.counts[file])
            while count > root_entries:
                count = -(-count // PAGE_ENTRIES)
                self.page_counts[file] += count

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
        for large in self._large[(self._large >= first) & (self._large < last)].tolist():
            top = self._levels(large, int(addresses[large]), blocks_per_page)[-1]
            entries[large - first] = len(top[0])
            header["flag"][large - first] = ROOT_INTERNAL
            where = (large - first) * room + np.arange(len(top[0]))
            self._dialect.put_xad(xads, where, *top)
        header["nextindex"] = FIRST_ENTRY + entries
        header["maxentry"] = FIRST_ENTRY + room
        root[:, :32] = header.view(np.uint8).reshape(count, 32)
        root[:, 32:] = xads.view(np.uint8).reshape(count, -1)
        return root

    def pages(self, file: int, first_page: int, blocks_per_page: int) -> NDArray[np.uint8]:
        """The tree pages of a file, shape (pages, 4096): leaves first, then each level above.

        Args:
            file: index of the file.
            first_page: block address of the first page; the others follow it.
            blocks_per_page: length of a page in blocks.
        """
        pages = np.zeros((int(self.page_counts[file]), PAGE), np.uint8)
        header = np.zeros(len(pages), self._dialect.structures.xtree_header.dtype)
        at = 0
        for level, (offset, address, length) in enumerate(self._levels(file, first_page, blocks_per_page)[:-1]):
            count = -(-len(offset) // PAGE_ENTRIES)
            rows = slice(at, at + count)
            here = first_page + np.arange(at, at + count) * blocks_per_page
            header["prev"][rows] = np.append(0, here[:-1])
            header["next"][rows] = np.append(here[1:], 0)
            header["flag"][rows] = PAGE_INTERNAL if level else PAGE_LEAF
            header["nextindex"][rows] = FIRST_ENTRY + PAGE_ENTRIES
            header["nextindex"][at + count - 1] = FIRST_ENTRY + len(offset) - (count - 1) * PAGE_ENTRIES
            header["maxentry"][rows] = PAGE_MAXENTRY
            self._dialect.put_pxd(header["self"], rows, here, blocks_per_page)
            xads = np.zeros(count * PAGE_ENTRIES, self._dialect.structures.xad.dtype)
            flag = self._runs.flag[self._own(file)] if self._runs.flag is not None and level == 0 else 0
            self._dialect.put_xad(xads, slice(0, len(offset)), offset, address, length, flag)
            pages[rows, 32:] = xads.view(np.uint8).reshape(count, -1)
            at += count
        pages[:, :32] = header.view(np.uint8).reshape(-1, 32)
        return pages

    def _levels(
        self, file: int, first_page: int, blocks_per_page: int
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
        """Entries of each level from the leaves up: (offsets, addresses, lengths); the last level fits the root."""
        own = self._own(file)
        levels = [(self._runs.offset[own], self._runs.address[own], self._runs.length[own])]
        page = first_page
        while len(levels[-1][0]) > self._root_entries:
            offsets = levels[-1][0][::PAGE_ENTRIES].copy()
            offsets[0] = 0  # the left edge covers the file from its start, a hole there included (invariant 59)
            addresses = page + np.arange(len(offsets)) * blocks_per_page
            levels.append((offsets, addresses, np.full(len(offsets), blocks_per_page)))
            page += len(offsets) * blocks_per_page
        return levels

    def _own(self, file: int) -> slice:
        start = int(self._starts[file])
        return slice(start, start + int(self.counts[file]))
