"""The block map of a mounted file system: the bits of its pages in memory, and writing what has changed.

Bits are kept a byte each, so that `bytearray.find` looks for room. Trees and counts are derived from the bits. Source:
reference section 2.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import CorruptImage
from ...units import ceil_div
from ..geometry import BLOCKS_PER_DMAP, L2_PAGE, PAGE, Geometry, dmap_page, l0_page, l1_page
from ..maps.blockmap import DMAPS_PER_L0, dmap_pages, level_page
from ..maps.buddy import L0_BUDMIN, L1_BUDMIN, L2_BUDMIN
from ..volume import Volume

_LOADED = 1024
"""Pages whose bits are kept though nothing has changed in them: 8 MiB."""


class BlockMap:
    """The block map of a clean file system.

    Args:
        volume: the file system.
        geometry: of it.
        map_file: the pages of the map, one after the other.

    Attributes:
        pages: pages of bits (dmaps).
        free: free blocks.
    """

    def __init__(self, volume: Volume, geometry: Geometry, map_file: BlockDevice) -> None:
        self._volume, self._geometry, self._map = volume, geometry, map_file
        self._bits: dict[int, bytearray] = {}
        self._changed: set[int] = set()
        self._roots: dict[int, NDArray[np.int8]] = {}  # roots of the dmaps below a level-0 page
        self.pages = ceil_div(geometry.blocks, BLOCKS_PER_DMAP)
        control = volume.dialect.structures.dbmap.table(map_file.read(0, PAGE))
        self.free = int(control["dn_nfree"][0])
        if not 0 <= self.free <= geometry.blocks:
            raise volume.corrupt("dbmap", "dn_nfree", None, f"0 to {geometry.blocks}", self.free)

    def bits(self, d: int) -> bytearray:
        """Which blocks of a page are in use: 8192 bytes, 0 or 1; only `mark` changes them.

        Raises:
            CorruptImage: the page makes no sense.
        """
        bits = self._bits.get(d)
        if bits is None:
            if len(self._bits) >= _LOADED + len(self._changed):
                self._bits = {n: kept for n, kept in self._bits.items() if n in self._changed}
            bits = self._bits[d] = self._read(d)
        return bits

    def mark(self, address: int, length: int, used: bool) -> None:
        """Set the state of blocks that have the other one.

        Raises:
            CorruptImage: they have it already.
        """
        end = address + length
        old, new = (b"\0", b"\1") if used else (b"\1", b"\0")
        while address < end:
            d, first = divmod(address, BLOCKS_PER_DMAP)
            part = min(end - address, BLOCKS_PER_DMAP - first)
            bits = self.bits(d)
            if bits.count(old, first, first + part) != part:
                raise self._corrupt(d, "wmap", "free" if used else "in use", f"blocks {address} to {address + part}")
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
            old = self._page(d)
            before = int(old["nfree"][0])
            bits = np.frombuffer(self._bits[d], np.bool_)
            pages, free = dmap_pages(self._volume.dialect, d, bits, self._geometry.blocks)
            pages["pad"] = old["pad"]
            self._map.write(dmap_page(d) * PAGE, pages)
            ag_change[d * BLOCKS_PER_DMAP >> self._geometry.ag_log2] += int(free[0]) - before
            self._roots_below(d // DMAPS_PER_L0)[d % DMAPS_PER_L0] = pages["tree"]["stree"][0, 0]
        self._write_control(self._write_levels(), ag_change)
        self._changed.clear()

    def _read(self, d: int) -> bytearray:
        page = self._page(d)
        words = np.unpackbits(page["wmap"][0].astype(">u4").view(np.uint8))
        free = BLOCKS_PER_DMAP - int(words.sum())
        if page["start"][0] != d * BLOCKS_PER_DMAP:
            raise self._corrupt(d, "start", d * BLOCKS_PER_DMAP, page["start"][0])
        if (page["wmap"] != page["pmap"]).any():
            raise self._corrupt(d, "pmap", "the same as wmap", "another map")
        if page["nfree"][0] != free or not words[self._geometry.blocks - d * BLOCKS_PER_DMAP :].all():
            raise self._corrupt(d, "nfree", free, page["nfree"][0])
        return bytearray(words.tobytes())

    def _page(self, d: int) -> NDArray[np.void]:
        return self._volume.dialect.structures.dmap.table(self._map.read(dmap_page(d) * PAGE, PAGE))

    def _roots_below(self, l0: int) -> NDArray[np.int8]:
        roots = self._roots.get(l0)
        if roots is None:
            count = min(DMAPS_PER_L0, self.pages - l0 * DMAPS_PER_L0)
            raw = self._map.read(dmap_page(l0 * DMAPS_PER_L0) * PAGE, count * PAGE)
            pages = self._volume.dialect.structures.dmap.table(raw)
            roots = self._roots[l0] = pages["tree"]["stree"][:, 0].copy()
        return roots

    def _write_levels(self) -> int:
        """Write the control pages over changed dmaps; returns the root of the top one."""
        dialect, level = self._volume.dialect, DMAPS_PER_L0
        control = dialect.structures.dmapctl
        for l0 in sorted({d // level for d in self._changed}):
            self._map.write(l0_page(l0) * PAGE, level_page(dialect, self._roots_below(l0), L0_BUDMIN))

        def roots(places: list[int]) -> NDArray[np.int8]:
            return np.array([control.table(self._map.read(p * PAGE, PAGE))["stree"][0, 0] for p in places], np.int8)

        l0_count = ceil_div(self.pages, level)
        if self._geometry.max_level == 0:
            return int(roots([l0_page(0)])[0])
        l1_count = ceil_div(l0_count, level)
        for l1 in sorted({d // level // level for d in self._changed}):
            below = [l0_page(i) for i in range(l1 * level, min((l1 + 1) * level, l0_count))]
            self._map.write(l1_page(l1) * PAGE, level_page(dialect, roots(below), L1_BUDMIN))
        if self._geometry.max_level == 1:
            return int(roots([l1_page(0)])[0])
        top = level_page(dialect, roots([l1_page(i) for i in range(l1_count)]), L2_BUDMIN)
        self._map.write(L2_PAGE * PAGE, top)
        return int(top["stree"][0, 0])

    def _write_control(self, top_root: int, ag_change: NDArray[np.int64]) -> None:
        g = self._geometry
        page = self._volume.dialect.structures.dbmap.table(self._map.read(0, PAGE))
        page["dn_agfree"] += ag_change
        page["dn_nfree"] += ag_change.sum()
        sizes = np.full(g.ag_count, g.ag_size, np.int64)
        sizes[-1] = g.blocks - (g.ag_count - 1) * g.ag_size
        touched = np.flatnonzero(page["dn_agfree"][0, : g.ag_count] < sizes)
        page["dn_maxag"] = touched[-1]  # the superblocks are always in use
        page["dn_agpref"] = np.minimum(page["dn_agpref"], page["dn_maxag"])
        page["dn_maxfreebud"] = top_root
        self._map.write(0, page)

    def _corrupt(self, d: int, field: str, expected: object, found: object) -> CorruptImage:
        return self._volume.corrupt("dmap", field, None, f"{expected} (page of blocks {d * BLOCKS_PER_DMAP})", found)
