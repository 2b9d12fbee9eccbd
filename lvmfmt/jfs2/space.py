"""Giving out and taking back blocks of an existing file system, in memory until they are written.

Source: reference sections 2.7 and 3.2; trees are recomputed from the bits (2.7.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice
from ..errors import CorruptImage, NoSpace
from ..units import ceil_div
from .blockmap import DMAPS_PER_L0, dmap_pages, level_page
from .buddy import L0_BUDMIN, L1_BUDMIN, L2_BUDMIN
from .geometry import BLOCKS_PER_DMAP, L2_PAGE, MAX_EXTENT, PAGE, Geometry, dmap_page, l0_page, l1_page
from .volume import Volume

Extents = list[tuple[int, int]]
"""(block address, length) pairs."""


class FreeSpace:
    """The block map of a clean file system.

    Args:
        volume: the file system.
        geometry: of it.
        map_file: the pages of the map, one after the other.
    """

    def __init__(self, volume: Volume, geometry: Geometry, map_file: BlockDevice) -> None:
        self._volume = volume
        self._geometry = geometry
        self._map = map_file
        self._bits: dict[int, NDArray[np.bool_]] = {}
        self._changed: set[int] = set()
        self._dmaps = ceil_div(geometry.blocks, BLOCKS_PER_DMAP)

    def allocate(self, blocks: int, *, near: int, contiguous: bool = False) -> Extents:
        """Take free blocks: the first run at or behind `near` (cyclic) that is long enough, else the longest runs.

        Args:
            blocks: how many.
            near: block address where looking starts.
            contiguous: refuse several runs.

        Returns:
            Extents in ascending address, none longer than an extent may be.

        Raises:
            NoSpace: there are not enough; nothing was taken.
        """
        if blocks == 0:
            return []
        total = self._geometry.blocks
        near = near if 0 <= near < total else 0
        shorter: Extents = []
        for start, length in chain(self._free_runs(near, total), self._free_runs(0, near)):
            if length >= blocks:
                return self._take([(start, blocks)])
            shorter.append((start, length))
        if contiguous and near:
            return self.allocate(blocks, near=0, contiguous=True)  # the run around `near` was seen in two parts
        if contiguous or sum(length for _, length in shorter) < blocks:
            raise NoSpace(f"no room for {blocks} more blocks", where=self._volume.where)
        chosen: Extents = []
        for start, length in sorted(shorter, key=lambda run: -run[1]):
            part = min(length, blocks)
            chosen.append((start, part))
            blocks -= part
            if not blocks:
                break
        return self._take(sorted(chosen))

    def release(self, address: int, length: int) -> None:
        """Give blocks back.

        Raises:
            CorruptImage: they are not in use.
        """
        self._mark(address, length, False)

    def write(self) -> None:
        """Write the changed pages of the map, the control pages above them and the counts."""
        ag_change = np.zeros(128, np.int64)
        for d in sorted(self._changed):
            old = self._page(d)
            before = int(old["nfree"][0])
            pages, free = dmap_pages(self._volume.dialect, d, self._bits[d], self._geometry.blocks)
            pages["pad"] = old["pad"]
            self._map.write(dmap_page(d) * PAGE, pages)
            ag_change[d * BLOCKS_PER_DMAP >> self._geometry.ag_log2] += int(free[0]) - before
        self._write_control(self._write_levels(), ag_change)
        self._changed.clear()

    def _take(self, extents: Extents) -> Extents:
        result: Extents = []
        for start, length in extents:
            self._mark(start, length, True)
            result += [(at, min(MAX_EXTENT, start + length - at)) for at in range(start, start + length, MAX_EXTENT)]
        return result

    def _mark(self, address: int, length: int, used: bool) -> None:
        end = address + length
        while address < end:
            d, first = divmod(address, BLOCKS_PER_DMAP)
            part = min(end - address, BLOCKS_PER_DMAP - first)
            bits = self._load(d)[first : first + part]
            if (bits == used).any():
                raise self._corrupt(d, "wmap", "free" if used else "in use", f"blocks {address} to {address + part}")
            bits[:] = used
            self._changed.add(d)
            address += part

    def _free_runs(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs of free blocks among the blocks `first` to `end` - 1."""
        start = length = 0
        for d in range(first // BLOCKS_PER_DMAP, ceil_div(end, BLOCKS_PER_DMAP)):
            base = d * BLOCKS_PER_DMAP
            low, high = max(first - base, 0), min(end - base, BLOCKS_PER_DMAP)
            edges = np.flatnonzero(np.diff(self._load(d)[low:high], prepend=True, append=True)) + base + low
            for a, b in edges.reshape(-1, 2).tolist():
                if length and a == start + length:
                    length += b - a
                    continue
                if length:
                    yield start, length
                start, length = a, b - a
        if length:
            yield start, length

    def _load(self, d: int) -> NDArray[np.bool_]:
        """Which blocks of a dmap are in use, shape (8192,); a change to it is a change of the map."""
        bits = self._bits.get(d)
        if bits is None:
            page = self._page(d)
            bits = np.unpackbits(page["wmap"][0].astype(">u4").view(np.uint8)).view(np.bool_)
            exist = min(BLOCKS_PER_DMAP, self._geometry.blocks - d * BLOCKS_PER_DMAP)
            if page["start"][0] != d * BLOCKS_PER_DMAP:
                raise self._corrupt(d, "start", d * BLOCKS_PER_DMAP, page["start"][0])
            if (page["wmap"] != page["pmap"]).any():
                raise self._corrupt(d, "pmap", "the same as wmap", "another map")
            if page["nfree"][0] != BLOCKS_PER_DMAP - bits.sum() or not bits[exist:].all():
                raise self._corrupt(d, "nfree", BLOCKS_PER_DMAP - int(bits.sum()), page["nfree"][0])
            self._bits[d] = bits
        return bits

    def _page(self, d: int) -> NDArray[np.void]:
        return self._volume.dialect.structures.dmap.table(self._map.read(dmap_page(d) * PAGE, PAGE))

    def _write_levels(self) -> int:
        """Write the control pages over changed dmaps; returns the root of the top one."""
        dialect, dmap, level = self._volume.dialect, self._volume.dialect.structures.dmap, DMAPS_PER_L0
        control = dialect.structures.dmapctl
        for l0 in sorted({d // level for d in self._changed}):
            count = min(level, self._dmaps - l0 * level)
            pages = dmap.table(self._map.read(dmap_page(l0 * level) * PAGE, count * PAGE))
            page = level_page(dialect, pages["tree"]["stree"][:, 0], L0_BUDMIN)
            self._map.write(l0_page(l0) * PAGE, page)

        def roots(places: list[int]) -> NDArray[np.int8]:
            return np.array([control.table(self._map.read(p * PAGE, PAGE))["stree"][0, 0] for p in places], np.int8)

        l0_count = ceil_div(self._dmaps, level)
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
