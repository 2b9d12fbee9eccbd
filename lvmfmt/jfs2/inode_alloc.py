"""Giving out and taking back inodes of an existing file system, in memory until they are written.

Source: reference sections 2.6 and 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NoSpace
from .geometry import EXTENTS_PER_IAG, INODE_SIZE, INODES_PER_EXTENT, INODES_PER_IAG, PAGE, Geometry
from .inode_map import control_page, iag_pages
from .inode_table import FILESET, blank_inodes, get_generator, set_generator
from .inodes import InodeMap
from .space import FreeSpace
from .xtree import read_extents
from .xtree_build import ExtentTrees, FileRuns

_DERIVED = ("inosmap", "extsmap", "nfreeinos", "nfreeexts", "wmap", "pmap", "inoext")
_LINKS = ("inofreefwd", "inofreeback", "extfreefwd", "extfreeback", "iagfree")

Writes = Iterator[tuple[int, NDArray[Any]]]
"""(byte offset in the device, bytes) pairs."""


class InodeSpace:
    """The inode map of a clean file system, open for changes.

    Args:
        inodes: its inode map.
        geometry: of the file system.
        space: where blocks come from.
    """

    def __init__(self, inodes: InodeMap, geometry: Geometry, space: FreeSpace) -> None:
        self._inodes = inodes
        self._geometry = geometry
        self._space = space
        self._volume = inodes.volume
        self._dialect = inodes.volume.dialect
        count = inodes.iag_count
        loaded = [inodes.iag(k) for k in range(count)]
        self._used = np.array([iag.used for iag in loaded])
        self._extents = np.array([iag.address for iag in loaded])
        self._agstart = [int(iag.row["agstart"][0]) for iag in loaded]
        self._map_row = inodes.map_inode.row.copy()
        self._map_extents = inodes.map_extents
        self._map_pages: NDArray[np.uint8] | None = None
        self._fresh: list[tuple[int, int]] = []  # new inode extents: first inode, block address
        self.generation = get_generator(self._dialect, self._map_row[0])

    def allocate(self, parent: int) -> int:
        """An inode for a file in the directory `parent`: of its group, or of another, or of a new one.

        Raises:
            NoSpace: there is no room for more inodes.
        """
        home = parent // INODES_PER_IAG
        groups = [home, *(k for k in range(len(self._used)) if k != home)]
        for k in groups:
            if (number := self._free_inode(k)) is not None:
                return number
            if k == home and (number := self._new_extent(k)) is not None:
                return number
        for k in groups:
            if (number := self._new_extent(k)) is not None:
                return number
        self._new_iag(self._agstart[home])
        number = self._new_extent(len(self._used) - 1)
        if number is None:
            raise NoSpace("no room for more inodes", where=self._volume.where)
        return number

    def release(self, number: int) -> None:
        """Give an inode back; its extent stays backed."""
        self._used[number // INODES_PER_IAG, number % INODES_PER_IAG] = False

    def place(self, number: int) -> tuple[int, int]:
        """Block address of the extent that an inode lies in, and byte offset of the inode in the device."""
        k, within = divmod(number, INODES_PER_IAG)
        address = int(self._extents[k, within // INODES_PER_EXTENT])
        return address, address * self._volume.block_size + within % INODES_PER_EXTENT * INODE_SIZE

    def next_generation(self) -> int:
        """A generation number for a new inode."""
        result = self.generation
        self.generation = (result + 1) & 0xFFFFFFFF
        return result

    def writes(self) -> Writes:
        """Everything that has to be written: new extents, changed map pages, the map's own inode."""
        stamp = int(self._map_row["di_inostamp"][0])
        per_extent = self._geometry.blocks_per_extent
        for first, address in self._fresh:
            numbers = first + np.arange(INODES_PER_EXTENT)
            rows = blank_inodes(self._dialect, numbers, fileset=FILESET, stamp=stamp, generation=0)
            self._dialect.put_pxd(rows["di_ixpxd"], slice(None), address, per_extent)
            yield address * self._volume.block_size, rows
        yield from self._map_writes()
        set_generator(self._dialect, self._map_row[0], self.generation)
        yield self._inodes.map_inode.at, self._map_row
        if len(self._used) > self._inodes.iag_count:
            yield self._second_copy()

    def _map_writes(self) -> Writes:
        """The control page and the pages of inode allocation groups that differ from what is on the disk."""
        count, old = len(self._used), self._inodes.iag_count
        rows = iag_pages(self._dialect, self._geometry, self._used.ravel(), self._extents.ravel())
        rows["agstart"] = self._agstart
        control = control_page(self._dialect, self._geometry, rows)
        before = self._inodes.control.copy()
        for field in ("in_unused", "in_rsvd"):
            control[field] = before[field]
        if control.tobytes() != before.tobytes():
            yield self._inodes.map_offset(-1), control
        for k in range(count):
            if k >= old:
                yield self._page_offset(k), rows[k : k + 1]
                continue
            page = self._inodes.iag(k).row.copy()
            for field in (*_DERIVED, *_LINKS):
                page[field] = rows[field][k]
            if page.tobytes() != self._inodes.iag(k).row.tobytes():
                yield self._page_offset(k), page
        if self._map_pages is not None:
            yield self._tree_at * self._volume.block_size, self._map_pages

    def _free_inode(self, k: int) -> int | None:
        backed = np.repeat(self._extents[k] != 0, INODES_PER_EXTENT)
        free = np.flatnonzero(backed & ~self._used[k])
        return self._take(k, int(free[0])) if len(free) else None

    def _new_extent(self, k: int) -> int | None:
        missing = np.flatnonzero(self._extents[k] == 0)
        if not len(missing):
            return None
        e = int(missing[0])
        per_extent = self._geometry.blocks_per_extent
        near = int(self._extents[k, e - 1]) + per_extent if e else self._agstart[k]
        try:
            [(address, _)] = self._space.allocate(per_extent, near=near, contiguous=True)
        except NoSpace:
            return None
        self._extents[k, e] = address
        self._fresh.append((k * INODES_PER_IAG + e * INODES_PER_EXTENT, address))
        return self._take(k, e * INODES_PER_EXTENT)

    def _take(self, k: int, within: int) -> int:
        self._used[k, within] = True
        return k * INODES_PER_IAG + within

    def _new_iag(self, agstart: int) -> None:
        """Add a page to the map file, and rebuild the tree that leads to its pages."""
        bpp = self._volume.blocks_per_page
        last = self._map_extents[-1]
        end = int(last["offset"] + last["length"])
        [(address, length)] = self._space.allocate(bpp, near=int(last["address"] + last["length"]), contiguous=True)
        more = np.array([(end, length, address, 0)], self._map_extents.dtype)
        self._map_extents = np.concatenate((self._map_extents, more))
        pages: list[int] = []
        read_extents(self._volume, self._map_row["root"][0], at=self._inodes.map_inode.root_at, pages=pages)
        x = self._map_extents
        runs = FileRuns(np.zeros(len(x), np.int64), x["offset"], x["length"], x["address"])
        trees = ExtentTrees(self._dialect, runs, 1)
        count = int(trees.page_counts[0])
        self._tree_at = 0
        if count:
            [(self._tree_at, _)] = self._space.allocate(count * bpp, near=address, contiguous=True)
            self._map_pages = trees.pages(0, self._tree_at, bpp)
        for page in pages:
            self._space.release(page, bpp)
        self._map_row["root"] = trees.roots(0, 1, np.array([self._tree_at]), bpp)
        self._map_row["di_size"] += PAGE
        self._map_row["di_nblocks"] = int(x["length"].sum()) + count * bpp
        self._used = np.concatenate((self._used, np.zeros((1, INODES_PER_IAG), bool)))
        self._extents = np.concatenate((self._extents, np.zeros((1, EXTENTS_PER_IAG), np.int64)))
        self._agstart.append(agstart)

    def _page_offset(self, k: int) -> int:
        block = (k + 1) * self._volume.blocks_per_page
        x = self._map_extents
        row = int(np.searchsorted(x["offset"], block, "right")) - 1
        return int(x["address"][row] + block - x["offset"][row]) * self._volume.block_size

    def _second_copy(self) -> tuple[int, NDArray[Any]]:
        """The copy of the map's inode, brought up to where the map lies now."""
        copy = self._inodes.aggregate_inode(FILESET, second=True)
        row = copy.row.copy()
        for field in ("di_size", "di_nblocks", "root"):
            row[field] = self._map_row[field]
        return copy.at, row
