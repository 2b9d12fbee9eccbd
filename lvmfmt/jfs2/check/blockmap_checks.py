"""Checks 76 to 83: the block map against the blocks that have an owner.

Pages of free blocks are compared with one another in large runs; only the others are taken apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import BLOCKS_PER_DMAP, L2_PAGE, dmap_page, l0_page, l1_page
from ..maps.blockmap import DMAPS_PER_L0, BlockMapTotals, UsedBlocks, control_page, dmap_pages
from ..maps.buddy import L0_BUDMIN, L1_BUDMIN, L2_BUDMIN, control_tree, dmap_trees
from .mapfile import MapFile
from .subject import Subject

_CHUNK = 256
_GEOMETRY = (
    "dn_mapsize", "dn_l2nbperpage", "dn_numag", "dn_maxlevel", "dn_aglevel", "dn_agheight", "dn_agwidth",
    "dn_agstart", "dn_agl2size", "dn_agsize",
)  # fmt: skip
_DMAP_TREE = {"nleafs": 256, "l2nleafs": 8, "leafidx": 85, "height": 4, "budmin": 5}
_CONTROL_TREE = {"nleafs": 1024, "l2nleafs": 10, "leafidx": 341, "height": 5}


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
        self._dbmap, self._dmap, self._dmapctl = s.dbmap, s.dmap, s.dmapctl
        self._total = subject.geometry.dmap_pages - 1  # without the spare page
        self._touched = self._touched_dmaps()
        self._free = np.zeros(self._total, np.int64)
        template, _ = dmap_pages(subject.dialect, 0, np.zeros(BLOCKS_PER_DMAP, bool), BLOCKS_PER_DMAP)
        self._template = template.view("<u8")

    def check(self, progress: Callable[[int, int], None]) -> None:
        """Judge all pages, the bits first, then every level of trees over them."""
        roots = []
        for l0 in range(-(-self._total // DMAPS_PER_L0)):
            progress(l0 * DMAPS_PER_L0, self._total)
            below = self._dmaps(l0 * DMAPS_PER_L0, min(DMAPS_PER_L0, self._total - l0 * DMAPS_PER_L0))
            roots.append(self._control(l0_page(l0), below, L0_BUDMIN))
        if self._subject.geometry.max_level > 0:
            roots = [
                self._control(l1_page(i), np.array(roots[i * 1024 : (i + 1) * 1024], np.int8), L1_BUDMIN)
                for i in range(-(-len(roots) // 1024))
            ]
        if self._subject.geometry.max_level > 1:
            roots = [self._control(L2_PAGE, np.array(roots, np.int8), L2_BUDMIN)]
        self._control_page(roots[0])
        self._unused()
        progress(self._total, self._total)

    def _touched_dmaps(self) -> NDArray[np.bool_]:
        """Pages with a block that has an owner, shape (pages,)."""
        edges = np.zeros(self._total + 1, np.int64)
        np.add.at(edges, self._used.starts // BLOCKS_PER_DMAP, 1)
        np.add.at(edges, (self._used.ends - 1) // BLOCKS_PER_DMAP + 1, -1)
        touched: NDArray[np.bool_] = np.cumsum(edges[:-1]) > 0
        return touched

    def _dmaps(self, first: int, count: int) -> NDArray[np.int8]:
        """Judge pages of bits under one control page; returns the roots of their trees."""
        raw, places = self._map.read(dmap_page(first), count)
        pages = raw.view(self._dmap.dtype)[:, 0]
        words = raw.view("<u8")
        same = (words[:, 2:] == self._template[2:]).all(axis=1) & (words[:, 0] == self._template[0])
        same &= pages["start"] == (first + np.arange(count)) * BLOCKS_PER_DMAP
        self._free[first : first + count] = BLOCKS_PER_DMAP
        rows = np.flatnonzero(~same | self._touched[first : first + count])
        for a in range(0, len(rows), _CHUNK):
            chosen = rows[a : a + _CHUNK]
            self._taken_apart(first + chosen, pages[chosen], places[chosen])
        roots: NDArray[np.int8] = pages["tree"]["stree"][:, 0].copy()
        return roots

    def _taken_apart(self, numbers: NDArray[np.int64], pages: NDArray[Any], at: NDArray[np.int64]) -> None:
        s, record = self._subject, self._dmap
        at = np.maximum(at, 0)
        start = numbers * BLOCKS_PER_DMAP
        exist = np.minimum(s.volume.blocks - start, BLOCKS_PER_DMAP)
        words = np.ascontiguousarray(pages["wmap"].astype(">u4")).view(np.uint8)
        working = np.unpackbits(words, axis=1).view(np.bool_)
        committed = np.unpackbits(pages["pmap"].astype(">u4").view(np.uint8), axis=1).view(np.bool_)
        owned = np.stack([self._used.bits(first, BLOCKS_PER_DMAP) for first in start.tolist()])
        there = np.arange(BLOCKS_PER_DMAP) < exist[:, None]
        free = (~working & there).sum(axis=1)
        self._free[numbers] = free

        def rule(name: str, field: str, found: NDArray[Any], expected: NDArray[Any]) -> None:
            s.find_rows(
                name, record, field, found != expected, at,
                lambda i: f"page of blocks {start[i]} and on: {field} is {found[i]}, expected {expected[i]}",
            )  # fmt: skip

        rule("dmap-blocks", "start", pages["start"], start)
        rule("dmap-blocks", "nblocks", pages["nblocks"], exist)
        beyond = ~there & ~(working & committed)
        s.find_rows(
            "dmap-blocks", record, "wmap", beyond.any(axis=1), at,
            lambda i: f"block {start[i] + beyond[i].argmax()} does not exist, but is marked free",
        )  # fmt: skip
        differ = there & (working != committed)
        s.find_rows(
            "dmap-owned", record, "pmap", differ.any(axis=1), at,
            lambda i: f"{_runs(differ[i], int(start[i]))}: working and committed map differ",
        )  # fmt: skip
        lost, stolen = there & working & ~owned, there & owned & ~working
        s.find_rows(
            "dmap-owned", record, "wmap", lost.any(axis=1), at,
            lambda i: f"{_runs(lost[i], int(start[i]))}: marked in use, but nobody's",
        )  # fmt: skip
        s.find_rows(
            "dmap-owned", record, "wmap", stolen.any(axis=1), at,
            lambda i: f"{_runs(stolen[i], int(start[i]))}: marked free, but owned",
        )  # fmt: skip
        rule("bmap-counts", "nfree", pages["nfree"], free)
        tree = pages["tree"]
        constants = np.stack([tree[field] for field in _DMAP_TREE], axis=1)
        s.find_rows(
            "bmap-tree-constants", record, "tree", (constants != list(_DMAP_TREE.values())).any(axis=1), at,
            lambda i: f"page of blocks {start[i]} and on: {', '.join(_DMAP_TREE)} are {constants[i].tolist()}",
        )  # fmt: skip
        trees = dmap_trees(words.reshape(len(pages), 256, 4))
        s.find_rows(
            "bmap-trees", record, "tree", (tree["stree"] != trees).any(axis=1), at,
            lambda i: f"page of blocks {start[i]} and on: its tree does not follow from its bits",
        )  # fmt: skip

    def _control(self, page: int, roots: NDArray[np.int8], budmin: int) -> int:
        """Judge a control page over children with the given roots; returns its own root."""
        raw, places = self._map.read(page, 1)
        row, at = raw.view(self._dmapctl.dtype)[0, 0], max(int(places[0]), 0)
        for field, value in {**_CONTROL_TREE, "budmin": budmin}.items():
            if row[field] != value:
                text = f"page {page} of the map: {field} is {row[field]}, expected {value}"
                self._subject.find("bmap-tree-constants", self._dmapctl, field, at, text)
        if (row["stree"] != control_tree(roots, budmin)).any():
            text = f"page {page} of the map: its tree does not follow from the pages below"
            self._subject.find("bmap-trees", self._dmapctl, "stree", at, text)
        return int(row["stree"][0])

    def _control_page(self, top: int) -> None:
        s, record = self._subject, self._dbmap
        raw, places = self._map.read(0, 1)
        row, at = raw.view(record.dtype)[0, 0], max(int(places[0]), 0)
        groups = (np.arange(self._total) * BLOCKS_PER_DMAP) >> s.geometry.ag_log2
        ag_free = np.zeros(128, np.int64)
        np.add.at(ag_free, groups, self._free)
        totals = BlockMapTotals(int(ag_free.sum()), ag_free, top)
        expected = record.table(control_page(s.geometry, s.dialect, totals))[0]

        def rule(name: str, field: str) -> None:
            if row[field] != expected[field]:
                s.find(name, record, field, at, f"{field} is {row[field]}, expected {expected[field]}")

        for field in _GEOMETRY:
            rule("bmap-geometry", field)
        rule("bmap-counts", "dn_nfree")
        for group in np.flatnonzero(row["dn_agfree"] != ag_free).tolist():
            text = f"allocation group {group}: {row['dn_agfree'][group]} blocks free, counted {ag_free[group]}"
            s.find("bmap-counts", record, f"dn_agfree[{group}]", at, text)
        rule("bmap-trees", "dn_maxfreebud")
        if row["dn_maxag"] != expected["dn_maxag"]:
            text = f"dn_maxag is {row['dn_maxag']}, the highest group in use is {expected['dn_maxag']}"
            s.find("bmap-preferred", record, "dn_maxag", at, text, warning=True)
        if not 0 <= row["dn_agpref"] < s.geometry.ag_count:
            text = f"dn_agpref is {row['dn_agpref']}, there are {s.geometry.ag_count} groups"
            s.find("bmap-preferred", record, "dn_agpref", at, text)

    def _unused(self) -> None:
        """Pages of levels that are not needed: whatever they hold, it is not a tree in use."""
        for level, page in ((1, l1_page(0)), (2, L2_PAGE)):
            if level <= self._subject.geometry.max_level:
                continue
            raw, places = self._map.read(page, 1)
            row = raw.view(self._dmapctl.dtype)[0, 0]
            if all(row[field] == value for field, value in _CONTROL_TREE.items()):
                text = f"page {page} of the map is a control page of level {level}, which is not needed"
                self._subject.find("bmap-unused-levels", self._dmapctl, "", int(places[0]), text)


def _runs(wrong: NDArray[np.bool_], start: int) -> str:
    """The blocks where `wrong` is True, in words: the first run of them and how many there are."""
    first = int(wrong.argmax())
    length = int((~wrong[first:]).argmax()) or len(wrong) - first
    count = int(wrong.sum())
    run = f"block {start + first}" if length == 1 else f"blocks {start + first} to {start + first + length - 1}"
    return run if count == length else f"{run} and {count - length} more"
