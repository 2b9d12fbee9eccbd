"""The block map of a mounted file system: the bits of its pages in memory, and writing what has changed.

Bits are kept a byte each, so that `bytearray.find` looks for room. Trees and counts are derived from the bits. A page
with a fault, under a control page with one, or in an allocation group of another count is never changed.
Source: [jfs2 2.7].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import BLOCKS_PER_DMAP, Geometry, dmap_page
from ..maps.levels import ControlPage, Roots, walk_levels
from ..maps.map_file import MapFile
from ..maps.used_blocks import DMAPS_PER_L0
from ..nodes.map_page import (
    BlockMapTotals,
    DmapPages,
    dmap_pages,
    level_faults,
    level_page,
    map_control_faults,
    map_control_page,
)
from ..nodes.page_faults import PageFaults, first_fault

_LOADED = 1024
"""Pages whose bits are kept though nothing has changed in them: 8 MiB."""
_AHEAD = 64
"""Pages that are read at a time where one after the other is looked at."""
_READ_CHECKS = ("dmap-blocks", "dmap-owned", "bmap-counts")


class MountedBlockMap:
    """The block map of a clean file system.

    Args:
        geometry: of the file system.
        file: the map.

    Attributes:
        pages: pages of bits (dmaps).
        free: free blocks.
    """

    def __init__(self, geometry: Geometry, file: MapFile) -> None:
        self._geometry, self._file, self._dialect = geometry, file, file.volume.dialect
        self._bits: dict[int, bytearray] = {}
        self._sound: set[int] = set()  # pages that may be changed
        self._changed: set[int] = set()
        self._roots: dict[int, Roots] = {}  # roots of the dmaps below a judged level-0 page, by the first of them
        self._counted: set[int] = set()  # allocation groups whose free blocks were counted
        self.pages = geometry.dmap_pages - 1
        self._judge_control()
        self.free = int(self._control()["dn_nfree"][0])

    def bits(self, d: int) -> bytearray:
        """Which blocks of a page are in use: 8192 bytes, 0 or 1; only `mark` changes them.

        Raises:
            CorruptImage: the page makes no sense.
        """
        bits = self._bits.get(d)
        return self._load(d) if bits is None else bits

    def _load(self, d: int) -> bytearray:
        """Read a page that is to be looked at; some more where the pages are looked at one after the other."""
        count = min(_AHEAD if d - 1 in self._bits else 1, DMAPS_PER_L0 - d % DMAPS_PER_L0, self.pages - d)
        pages = self._pages(d, count)
        for each in pages.faults(_READ_CHECKS):
            count = min(count, int(each.wrong.argmax()))  # a page that nobody needs may be wrong
        if not count:
            self._refuse(self._pages(d).faults(_READ_CHECKS), dmap_page(d))
        if len(self._bits) >= _LOADED + len(self._changed):
            self._bits = {n: kept for n, kept in self._bits.items() if n in self._changed}
        for row in range(count):
            if d + row not in self._changed:
                self._bits[d + row] = bytearray(pages.used[row].tobytes())
        return self._bits[d]

    def check(self, address: int, length: int) -> None:
        """Look at the pages that know some blocks, before anything is done to them.

        Raises:
            CorruptImage: one of them, or one above it, is not right; no state of these blocks can be changed.
        """
        numbers = range(address // BLOCKS_PER_DMAP, (address + length - 1) // BLOCKS_PER_DMAP + 1)
        fresh = [d for d in numbers if d not in self._sound]
        if not fresh:
            return
        for d in fresh:
            self._refuse(self._pages(d).faults(), dmap_page(d))
        if strange := [d for d in fresh if d - d % DMAPS_PER_L0 not in self._roots]:
            self._judge_control(
                top=walk_levels(self._geometry, self._roots_below, self._judged, above=strange, known=self._root)
            )
        groups = {d * BLOCKS_PER_DMAP >> self._geometry.ag_log2 for d in fresh} - self._counted
        if groups:
            self._judge_control(counted={group: self._free_of(group) for group in groups})
            self._counted |= groups
        self._sound.update(fresh)

    def mark(self, address: int, length: int, used: bool) -> None:
        """Set the state of blocks that have the other one.

        Raises:
            CorruptImage: they have it already, or the map cannot be changed (see `check`).
        """
        self.check(address, length)
        end = address + length
        old, new = (b"\0", b"\1") if used else (b"\1", b"\0")
        while address < end:
            d, first = divmod(address, BLOCKS_PER_DMAP)
            part = min(end - address, BLOCKS_PER_DMAP - first)
            bits = self.bits(d)
            if bits.count(old, first, first + part) != part:
                expected = f"{'free' if used else 'in use'} (page of blocks {d * BLOCKS_PER_DMAP})"
                found = f"blocks {address} to {address + part}"
                raise self._file.volume.corrupt("dmap", "wmap", None, expected, found)
            bits[first : first + part] = new * part
            self._changed.add(d)
            address += part
        self.free += -length if used else length

    def write(self) -> None:
        """Write the changed pages of the map, the control pages above them and the counts."""
        if not self._changed:
            return
        ag_change = np.zeros(128, np.int64)
        for d in sorted(self._changed):
            old = self._pages(d).table
            bits = np.frombuffer(self._bits[d], np.bool_)
            pages, free = dmap_pages(self._dialect, d, bits, self._geometry.blocks)
            pages["pad"] = old["pad"]
            self._file.write(dmap_page(d), pages)
            ag_change[d * BLOCKS_PER_DMAP >> self._geometry.ag_log2] += int(free[0]) - int(old["nfree"][0])
            self._roots[d - d % DMAPS_PER_L0][d % DMAPS_PER_L0] = pages["tree"]["stree"][0, 0]
        top = walk_levels(self._geometry, self._roots_below, self._written, above=self._changed, known=self._root)
        old = self._control()
        ag_free = old["dn_agfree"][0] + ag_change
        new = map_control_page(self._dialect, self._geometry, BlockMapTotals(int(ag_free.sum()), ag_free, top))
        new["dn_agpref"] = np.minimum(old["dn_agpref"], new["dn_maxag"])
        new["dn_pad"] = old["dn_pad"]
        self._file.write(0, new)
        self._changed.clear()

    def _pages(self, d: int, count: int = 1) -> DmapPages:
        table = self._file.table(self._dialect.structures.dmap, dmap_page(d), count)
        return DmapPages(self._dialect, self._geometry.blocks, d + np.arange(count), table)

    def _control(self) -> NDArray[Any]:
        return self._file.table(self._dialect.structures.dbmap, 0)

    def _roots_below(self, dmaps: range) -> Roots:
        """Roots of the trees of the pages of bits below a level-0 page, changed ones included."""
        roots = self._roots.get(dmaps.start)
        if roots is None:
            pages = self._file.table(self._dialect.structures.dmap, dmap_page(dmaps.start), len(dmaps))
            roots = self._roots[dmaps.start] = pages["tree"]["stree"][:, 0].copy()
        return roots

    def _judge_control(self, *, top: int | None = None, counted: dict[int, int] | None = None) -> None:
        """Judge the map's own page: by itself, and by what was found below it.

        Args:
            top: root of the topmost tree.
            counted: free blocks of allocation groups, by number.
        """
        control = self._control()
        ag_free = control["dn_agfree"][0].astype(np.int64)
        totals = BlockMapTotals(int(ag_free.sum()), ag_free, int(control["dn_maxfreebud"][0]) if top is None else top)
        for group, free in (counted or {}).items():
            ag_free[group] = free
        self._refuse(map_control_faults(self._dialect, self._geometry, control, totals), 0)

    def _free_of(self, group: int) -> int:
        """Free blocks of an allocation group, as its pages count them; what is not written yet is not in it."""
        per_group = self._geometry.ag_size // BLOCKS_PER_DMAP
        d, end = group * per_group, min((group + 1) * per_group, self.pages)
        free = 0
        while d < end:
            count = min(DMAPS_PER_L0 - d % DMAPS_PER_L0, end - d)
            free += int(self._pages(d, count).table["nfree"].sum(dtype=np.int64))
            d += count
        return free

    def _level(self, page: int) -> NDArray[Any]:
        return self._file.table(self._dialect.structures.dmapctl, page)

    def _root(self, page: int) -> int:
        return int(self._level(page)["stree"][0, 0])

    def _judged(self, place: ControlPage, roots: Roots) -> int:
        page = self._level(place.page)
        self._refuse(level_faults(self._dialect, place.page, page, roots, place.budmin), place.page)
        return int(page["stree"][0, 0])

    def _written(self, place: ControlPage, roots: Roots) -> int:
        page = level_page(self._dialect, roots, place.budmin)
        self._file.write(place.page, page)
        return int(page["stree"][0, 0])

    def _refuse(self, faults: Iterable[PageFaults], page: int) -> None:
        fault = first_fault(faults)
        if fault is not None:
            raise self._file.corrupt(fault, page)
