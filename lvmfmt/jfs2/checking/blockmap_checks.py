"""Checks 76 to 83: the block map against the blocks that have an owner.

Pages of free blocks are compared with one another in large runs; only the others are taken apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import BLOCKS_PER_DMAP, dmap_page
from ..maps.levels import ControlPage, Roots, unused_control_pages, walk_levels
from ..maps.map_file import MapFile
from ..maps.used_blocks import UsedBlocks
from ..nodes.map_page import (
    BIT_CHECKS,
    SUM_CHECKS,
    BlockMapTotals,
    DmapPages,
    block_runs,
    dmap_pages,
    is_level_page,
    level_faults,
    map_control_faults,
)
from .subject import Subject

_CHUNK = 256


class BlockMapChecker:
    """Judges the block map.

    Args:
        subject: the file system.
        map: its pages.
        used: the blocks that have an owner.
    """

    def __init__(self, subject: Subject, map: MapFile, used: UsedBlocks) -> None:
        self._subject = subject
        self._map = map
        self._used = used
        s = subject.dialect.structures
        self._dmap, self._dmapctl = s.dmap, s.dmapctl
        self._total = subject.geometry.dmap_pages - 1  # without the spare page
        self._touched = self._touched_dmaps()
        self._free = np.zeros(self._total, np.int64)
        template, _ = dmap_pages(subject.dialect, 0, np.zeros(BLOCKS_PER_DMAP, bool), BLOCKS_PER_DMAP)
        self._template = template.view("<u8")

    def check(self, progress: Callable[[int, int], None]) -> None:
        """Judge all pages, the bits first, then every level of trees over them."""

        def dmaps(numbers: range) -> Roots:
            progress(numbers.start, self._total)
            return self._dmaps(numbers.start, len(numbers))

        self._control_page(walk_levels(self._subject.geometry, dmaps, self._control))
        self._unused()
        progress(self._total, self._total)

    def _touched_dmaps(self) -> NDArray[np.bool_]:
        """Pages with a block that has an owner, shape (pages,)."""
        edges = np.zeros(self._total + 1, np.int64)
        np.add.at(edges, self._used.starts // BLOCKS_PER_DMAP, 1)
        np.add.at(edges, (self._used.ends - 1) // BLOCKS_PER_DMAP + 1, -1)
        touched: NDArray[np.bool_] = np.cumsum(edges[:-1]) > 0
        return touched

    def _dmaps(self, first: int, count: int) -> Roots:
        """Judge pages of bits under one control page; returns the roots of their trees."""
        raw, places = self._map.read(dmap_page(first), count), self._map.places(dmap_page(first), count)
        pages = raw.view(self._dmap.dtype)[:, 0]
        words = raw.view("<u8")
        same = (words[:, 2:] == self._template[2:]).all(axis=1) & (words[:, 0] == self._template[0])
        same &= pages["start"] == (first + np.arange(count)) * BLOCKS_PER_DMAP
        self._free[first : first + count] = BLOCKS_PER_DMAP
        rows = np.flatnonzero(~same | self._touched[first : first + count])
        for a in range(0, len(rows), _CHUNK):
            chosen = rows[a : a + _CHUNK]
            self._taken_apart(first + chosen, pages[chosen], places[chosen])
        roots: Roots = pages["tree"]["stree"][:, 0].copy()
        return roots

    def _taken_apart(self, numbers: NDArray[np.int64], table: NDArray[Any], at: NDArray[np.int64]) -> None:
        s, at = self._subject, np.maximum(at, 0)
        pages = DmapPages(s.dialect, s.volume.blocks, numbers, table)
        owned = np.stack([self._used.bits(first, BLOCKS_PER_DMAP) for first in pages.start.tolist()])
        self._free[numbers] = pages.free
        s.find_faults(pages.faults(BIT_CHECKS), at)
        self._find_blocks(pages.there & pages.used & ~owned, "marked in use, but nobody's", pages, at)
        self._find_blocks(pages.there & owned & ~pages.used, "marked free, but owned", pages, at)
        s.find_faults(pages.faults(SUM_CHECKS), at)

    def _find_blocks(self, wrong: NDArray[np.bool_], what: str, pages: DmapPages, at: NDArray[np.int64]) -> None:
        self._subject.find_rows(
            "dmap-owned", self._dmap, "wmap", wrong.any(axis=1), at,
            lambda i: f"{block_runs(wrong[i], int(pages.start[i]))}: {what}",
        )  # fmt: skip

    def _control(self, place: ControlPage, roots: Roots) -> int:
        """Judge a control page over children with the given roots; returns its own root."""
        page = self._map.table(self._dmapctl, place.page)
        faults = level_faults(self._subject.dialect, place.page, page, roots, place.budmin)
        self._subject.find_faults(faults, np.maximum(self._map.places(place.page, 1), 0))
        return int(page["stree"][0, 0])

    def _control_page(self, top: int) -> None:
        s, g = self._subject, self._subject.geometry
        page = self._map.table(s.dialect.structures.dbmap, 0)
        ag_free = np.zeros(128, np.int64)
        np.add.at(ag_free, (np.arange(self._total) * BLOCKS_PER_DMAP) >> g.ag_log2, self._free)
        totals = BlockMapTotals(int(ag_free.sum()), ag_free, top)
        s.find_faults(map_control_faults(s.dialect, g, page, totals), np.maximum(self._map.places(0, 1), 0))

    def _unused(self) -> None:
        """Pages of levels that are not needed: whatever they hold, it is not a tree in use."""
        for level, page in unused_control_pages(self._subject.geometry):
            if is_level_page(self._map.table(self._dmapctl, page)):
                text = f"page {page} of the map is a control page of level {level}, which is not needed"
                self._subject.find("bmap-unused-levels", self._dmapctl, "", self._map.place(page), text)
