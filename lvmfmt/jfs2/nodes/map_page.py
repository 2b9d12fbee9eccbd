"""Pages of the block map: bits of 8,192 blocks (`dmap`), trees over them (`dmapctl`), and the map's own page (`dbmap`).

The bits are the truth; trees and counts follow from them. Source: [jfs2 1.3, 2.7, 3.1.8].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from ..geometry import BLOCKS_PER_DMAP, Geometry
from .buddy_trees import control_tree, dmap_trees
from .map_words import bits_of
from .page_faults import PageFaults, single

_DMAP_TREE = {"nleafs": 256, "l2nleafs": 8, "leafidx": 85, "height": 4, "budmin": 5}
_CONTROL_TREE = {"nleafs": 1024, "l2nleafs": 10, "leafidx": 341, "height": 5}
_GEOMETRY = (
    "dn_mapsize", "dn_l2nbperpage", "dn_numag", "dn_maxlevel", "dn_aglevel", "dn_agheight", "dn_agwidth",
    "dn_agstart", "dn_agl2size", "dn_agsize",
)  # fmt: skip
BIT_CHECKS = ("dmap-blocks", "dmap-owned")
"""Checks of the bits themselves."""
SUM_CHECKS = ("bmap-counts", "bmap-tree-constants", "bmap-trees")
"""Checks of what follows from the bits."""


class DmapPages:
    """Pages of block bits, taken apart.

    Args:
        dialect: structures and byte order.
        blocks: blocks of the file system.
        numbers: of the pages, from 0, shape (pages,).
        table: the pages, shape (pages,), dtype of the dmap record.
    """

    def __init__(self, dialect: Dialect, blocks: int, numbers: NDArray[np.int64], table: NDArray[Any]) -> None:
        self._record = dialect.structures.dmap
        self.table = table
        self.start = numbers * BLOCKS_PER_DMAP
        self._exist = np.clip(blocks - self.start, 0, BLOCKS_PER_DMAP)
        self._whole = bool((self._exist == BLOCKS_PER_DMAP).all())

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Which blocks are in use by the working map, shape (pages, 8192); so are those that do not exist."""
        return bits_of(self.table["wmap"])

    @cached_property
    def there(self) -> NDArray[np.bool_]:
        """Which blocks exist, shape (pages, 8192)."""
        return np.arange(BLOCKS_PER_DMAP) < self._exist[:, None]

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """Free blocks of each page, shape (pages,)."""
        used = self.used if self._whole else self.used & self.there
        counted: NDArray[np.int64] = self._exist - np.count_nonzero(used, axis=1)
        return counted

    def faults(self, checks: Collection[str] = (*BIT_CHECKS, *SUM_CHECKS)) -> Iterator[PageFaults]:
        """All that is wrong with them, of these checks; who owns a block is not known here."""
        for name, judge in (
            ("dmap-blocks", self._blocks), ("dmap-owned", self._maps), ("bmap-counts", self._counts),
            ("bmap-tree-constants", self._constants), ("bmap-trees", self._trees),
        ):  # fmt: skip
            if name in checks:
                yield from judge(name)

    def _value(self, check: str, field: str, right: NDArray[np.int64]) -> Iterator[PageFaults]:
        found = self.table[field]
        yield from self._rows(
            check, field, found != right, lambda i: right[i], lambda i: found[i],
            lambda i: f"{self._title(i)}: {field} is {found[i]}, expected {right[i]}",
        )  # fmt: skip

    def _rows(
        self, check: str, field: str, wrong: Any, expected: Callable[[int], object], found: Callable[[int], object],
        words: Callable[[int], str],
    ) -> Iterator[PageFaults]:  # fmt: skip
        if wrong.any():
            yield PageFaults(check, self._record, field, wrong, expected, found, words)

    def _title(self, row: int) -> str:
        return f"page of blocks {self.start[row]} and on"

    def _blocks(self, check: str) -> Iterator[PageFaults]:
        yield from self._value(check, "start", self.start)
        yield from self._value(check, "nblocks", self._exist)
        if self._whole:
            return
        beyond: Any = ~self.there & ~(self.used & bits_of(self.table["pmap"]))
        yield from self._rows(
            check, "wmap", beyond.any(axis=1), lambda _: "no free block that does not exist",
            lambda i: f"block {self.start[i] + beyond[i].argmax()}",
            lambda i: f"block {self.start[i] + beyond[i].argmax()} does not exist, but is marked free",
        )  # fmt: skip

    def _maps(self, check: str) -> Iterator[PageFaults]:
        if not (self.table["wmap"] != self.table["pmap"]).any():
            return
        differ: Any = self.there & (self.used != bits_of(self.table["pmap"]))
        yield from self._rows(
            check, "pmap", differ.any(axis=1), lambda _: "the same as wmap",
            lambda i: f"another map of {block_runs(differ[i], int(self.start[i]))}",
            lambda i: f"{block_runs(differ[i], int(self.start[i]))}: working and committed map differ",
        )  # fmt: skip

    def _counts(self, check: str) -> Iterator[PageFaults]:
        yield from self._value(check, "nfree", self.free)

    def _constants(self, check: str) -> Iterator[PageFaults]:
        found = np.stack([self.table["tree"][field] for field in _DMAP_TREE], axis=1)
        right = list(_DMAP_TREE.values())
        yield from self._rows(
            check, "tree", (found != right).any(axis=1), lambda _: right, lambda i: found[i].tolist(),
            lambda i: f"{self._title(i)}: {', '.join(_DMAP_TREE)} are {found[i].tolist()}",
        )  # fmt: skip

    def _trees(self, check: str) -> Iterator[PageFaults]:
        words = np.ascontiguousarray(self.table["wmap"].astype(">u4")).view(np.uint8).reshape(-1, 256, 4)
        yield from self._rows(
            check, "tree", (self.table["tree"]["stree"] != dmap_trees(words)).any(axis=1),
            lambda _: "the tree that follows from the bits", lambda _: "another",
            lambda i: f"{self._title(i)}: its tree does not follow from its bits",
        )  # fmt: skip


def block_runs(wrong: NDArray[np.bool_], start: int) -> str:
    """The blocks from `start` on where `wrong` is True, in words: the first run of them and how many there are."""
    first = int(wrong.argmax())
    length = int((~wrong[first:]).argmax()) or len(wrong) - first
    count = int(wrong.sum())
    run = f"block {start + first}" if length == 1 else f"blocks {start + first} to {start + first + length - 1}"
    return run if count == length else f"{run} and {count - length} more"


def dmap_pages(
    dialect: Dialect, first_dmap: int, bits: NDArray[np.bool_], total_blocks: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Pages of block bits.

    Args:
        dialect: structures and byte order.
        first_dmap: number of the first page.
        bits: used blocks, shape (pages * 8192,); blocks beyond `total_blocks` count as used.
        total_blocks: blocks of the file system.

    Returns:
        The pages, shape (pages,) of the dmap dtype, and the free blocks of each, shape (pages,).
    """
    count = len(bits) // BLOCKS_PER_DMAP
    first = first_dmap * BLOCKS_PER_DMAP
    exist = np.clip(total_blocks - first - np.arange(count) * BLOCKS_PER_DMAP, 0, BLOCKS_PER_DMAP)
    bits = bits.copy()
    bits[max(total_blocks - first, 0) :] = True
    words = np.packbits(bits).reshape(count, 256, 4)
    free = BLOCKS_PER_DMAP - bits.reshape(count, -1).sum(axis=1, dtype=np.int64)
    pages = dialect.structures.dmap.empty_table(count)
    pages["nblocks"], pages["nfree"] = exist, free
    pages["start"] = first + np.arange(count) * BLOCKS_PER_DMAP
    for field, value in _DMAP_TREE.items():
        pages["tree"][field] = value
    pages["tree"]["stree"] = dmap_trees(words)
    pages["wmap"] = pages["pmap"] = words.view(">u4")[..., 0]
    return pages, free


def level_page(dialect: Dialect, roots: NDArray[Any], budmin: int) -> NDArray[Any]:
    """A control page (`dmapctl`) over children with the given tree roots: shape (1,) of its dtype."""
    page = dialect.structures.dmapctl.empty_table(1)
    for field, value in {**_CONTROL_TREE, "budmin": budmin}.items():
        page[field] = value
    page["stree"][0] = control_tree(roots, budmin)
    return page


def level_faults(
    dialect: Dialect, number: int, page: NDArray[Any], roots: NDArray[Any], budmin: int
) -> Iterator[PageFaults]:
    """All that is wrong with page `number` of the map, shape (1,), a control page over children with these roots."""
    record, title = dialect.structures.dmapctl, f"page {number} of the map: "
    for field, value in {**_CONTROL_TREE, "budmin": budmin}.items():
        found = page[field][0]
        yield from single("bmap-tree-constants", record, field, found != value, value, found, title=title)
    differs = bool((page["stree"][0] != control_tree(roots, budmin)).any())
    yield from single(
        "bmap-trees", record, "stree", differs, "the tree that follows from the pages below", "another",
        "its tree does not follow from the pages below", title=title,
    )  # fmt: skip


def is_level_page(page: NDArray[Any]) -> bool:
    """Whether a page, shape (1,), looks like a control page, whatever its tree holds."""
    return all(page[field][0] == value for field, value in _CONTROL_TREE.items())


@dataclass
class BlockMapTotals:
    """What the control page of the map says.

    Attributes:
        free: free blocks.
        ag_free: the same by allocation group, shape (128,).
        top_root: root of the topmost tree.
    """

    free: int
    ag_free: NDArray[np.int64]
    top_root: int


def map_control_page(dialect: Dialect, geometry: Geometry, totals: BlockMapTotals) -> NDArray[Any]:
    """The map's own page: shape (1,), dtype of the dbmap record."""
    sizes = np.full(geometry.ag_count, geometry.ag_size, np.int64)
    sizes[-1] = geometry.blocks - (geometry.ag_count - 1) * geometry.ag_size
    touched = np.flatnonzero(totals.ag_free[: geometry.ag_count] < sizes)
    page = dialect.structures.dbmap.empty_table(1)
    for name, value in {
        "dn_mapsize": geometry.blocks,
        "dn_nfree": totals.free,
        "dn_l2nbperpage": geometry.blocks_per_page.bit_length() - 1,
        "dn_numag": geometry.ag_count,
        "dn_maxlevel": geometry.max_level,
        "dn_maxag": int(touched[-1]) if len(touched) else 0,
        "dn_agpref": 0,
        "dn_aglevel": geometry.ag_level,
        "dn_agheight": geometry.ag_height,
        "dn_agwidth": geometry.ag_width,
        "dn_agstart": geometry.ag_start,
        "dn_agl2size": geometry.ag_log2,
        "dn_agsize": geometry.ag_size,
        "dn_maxfreebud": totals.top_root,
    }.items():
        page[name] = value
    page["dn_agfree"][0] = totals.ag_free
    return page


def map_control_faults(
    dialect: Dialect, geometry: Geometry, page: NDArray[Any], totals: BlockMapTotals
) -> Iterator[PageFaults]:
    """All that is wrong with the map's own page, shape (1,), over pages with these totals."""
    record, right, row = dialect.structures.dbmap, map_control_page(dialect, geometry, totals)[0], page[0]
    for check, field in (*(("bmap-geometry", f) for f in _GEOMETRY), ("bmap-counts", "dn_nfree")):
        yield from single(check, record, field, row[field] != right[field], right[field], row[field])
    for group in np.flatnonzero(row["dn_agfree"] != totals.ag_free).tolist():
        found, counted = row["dn_agfree"][group], totals.ag_free[group]
        words = f"allocation group {group}: {found} blocks free, counted {counted}"
        yield from single("bmap-counts", record, f"dn_agfree[{group}]", True, counted, found, words)
    found, root = row["dn_maxfreebud"], right["dn_maxfreebud"]
    yield from single("bmap-trees", record, "dn_maxfreebud", found != root, root, found)
    found, highest = row["dn_maxag"], right["dn_maxag"]
    words = f"dn_maxag is {found}, the highest group in use is {highest}"
    yield from single("bmap-preferred", record, "dn_maxag", found != highest, highest, found, words, warning=True)
    found, count = row["dn_agpref"], geometry.ag_count
    words = f"dn_agpref is {found}, there are {count} groups"
    yield from single(
        "bmap-preferred", record, "dn_agpref", not 0 <= found < count, f"0 to {count - 1}", found, words
    )  # fmt: skip
