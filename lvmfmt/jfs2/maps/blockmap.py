"""The block map: bits of used blocks, and every page of the map file from them.

Source: reference sections 1.3, 2.7 and 3.1.8. The bits are the truth; trees and counts are derived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ..dialect import Dialect
from ..geometry import BLOCK_MAP_OFFSET, BLOCKS_PER_DMAP, L2_PAGE, PAGE, Geometry, dmap_page, l0_page, l1_page
from .buddy import L0_BUDMIN, L1_BUDMIN, L2_BUDMIN, control_tree, dmap_trees

DMAPS_PER_L0 = 1024
BLOCKS_PER_L0 = BLOCKS_PER_DMAP * DMAPS_PER_L0


class UsedBlocks:
    """A set of used blocks as sorted, disjoint ranges: cheap however large the file system is.

    Args:
        ranges: (first block, number of blocks), shape (ranges, 2); they may touch but not overlap.
    """

    def __init__(self, ranges: NDArray[np.int64]) -> None:
        ranges = ranges[ranges[:, 1] > 0]
        ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
        self.starts = ranges[:, 0].copy()
        self.ends = self.starts + ranges[:, 1]
        if (self.starts[1:] < self.ends[:-1]).any():
            raise ValueError("a block is given out twice")

    def bits(self, first: int, count: int) -> NDArray[np.bool_]:
        """Which of the blocks `first` and on are used: shape (count,)."""
        a, b = np.searchsorted(self.ends, first, "right"), np.searchsorted(self.starts, first + count, "left")
        edges = np.zeros(count + 1, np.int32)
        np.add.at(edges, np.clip(self.starts[a:b] - first, 0, count), 1)
        np.add.at(edges, np.clip(self.ends[a:b] - first, 0, count), -1)
        return np.cumsum(edges[:-1]) > 0

    def is_free(self, first: int, end: int) -> bool:
        """Whether none of the blocks `first` to `end` - 1 is used."""
        return bool(np.searchsorted(self.ends, first, "right") == np.searchsorted(self.starts, end, "left"))


class MapBits:
    """The used blocks of an existing map, whatever its size will be.

    Args:
        map_file: the pages of the map, one after the other from `BLOCK_MAP_OFFSET` on.
        dialect: structures and byte order.
        blocks: how many the map knows; those behind are free.
        more: blocks that are used as well.
        fewer: blocks that are free whatever the map says.
    """

    def __init__(
        self, map_file: BlockDevice, dialect: Dialect, blocks: int, more: UsedBlocks, fewer: UsedBlocks
    ) -> None:
        self._map, self._dmap, self._blocks = map_file, dialect.structures.dmap, blocks
        self._more, self._fewer = more, fewer

    def bits(self, first: int, count: int) -> NDArray[np.bool_]:
        """As `UsedBlocks.bits`; both numbers are multiples of 8192, inside one level-0 group."""
        result = np.zeros(count, bool)
        known = min(max(self._blocks - first, 0), count)
        if known:
            pages = -(-known // BLOCKS_PER_DMAP)
            rows = self._dmap.table(
                self._map.read(BLOCK_MAP_OFFSET + dmap_page(first // BLOCKS_PER_DMAP) * PAGE, pages * PAGE)
            )
            words = np.ascontiguousarray(rows["wmap"].astype(">u4"))
            result[:known] = np.unpackbits(words.view(np.uint8).ravel()).view(np.bool_)[:known]
        return (result & ~self._fewer.bits(first, count)) | self._more.bits(first, count)

    def is_free(self, first: int, end: int) -> bool:
        """As `UsedBlocks.is_free`, but only what lies behind the map is looked at."""
        return first >= self._blocks and self._more.is_free(first, end)


@dataclass
class BlockMapTotals:
    """What the control page of the map says: free blocks, in all and by allocation group."""

    free: int
    ag_free: NDArray[np.int64]
    top_root: int


def write_block_map(
    device: BlockDevice, geometry: Geometry, dialect: Dialect, used: UsedBlocks | MapBits
) -> BlockMapTotals:
    """Write a whole map file, one level-0 group (4 MiB of map, 2^23 blocks) at a time.

    Pages of levels that the size does not need, and the spare dmap, stay zero as `jfs_mkfs` leaves them.
    """
    base = geometry.map_address * geometry.block_size
    roots: list[int] = []
    ag_free = np.zeros(128, np.int64)
    for l0, first, pages, control, free in _level0_groups(geometry, dialect, used):
        device.write(base + l0_page(l0) * PAGE, control)
        device.write(base + dmap_page(l0 * DMAPS_PER_L0) * PAGE, pages)
        roots.append(int(dialect.structures.dmapctl.table(control, 1)["stree"][0, 0]))
        groups = (first + np.arange(len(free)) * BLOCKS_PER_DMAP) >> geometry.ag_log2
        np.add.at(ag_free, groups, free)
    top = _write_upper_levels(device, geometry, dialect, roots, base)
    totals = BlockMapTotals(int(ag_free.sum()), ag_free, top)
    device.write(base, control_page(geometry, dialect, totals))
    return totals


def control_page(geometry: Geometry, dialect: Dialect, totals: BlockMapTotals) -> bytes:
    """The map's control page (`dbmap`)."""
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
    return page.tobytes()


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
    tree = pages["tree"]
    tree["nleafs"], tree["l2nleafs"], tree["leafidx"], tree["height"], tree["budmin"] = 256, 8, 85, 4, 5
    tree["stree"] = dmap_trees(words)
    pages["wmap"] = pages["pmap"] = words.view(">u4")[..., 0]
    return pages, free


def level_page(dialect: Dialect, roots: NDArray[Any], budmin: int) -> NDArray[Any]:
    """A control page (`dmapctl`) over children with the given tree roots: shape (1,) of its dtype."""
    page = dialect.structures.dmapctl.empty_table(1)
    page["nleafs"], page["l2nleafs"], page["leafidx"], page["height"], page["budmin"] = 1024, 10, 341, 5, budmin
    page["stree"][0] = control_tree(roots, budmin)
    return page


def _level0_groups(
    geometry: Geometry, dialect: Dialect, used: UsedBlocks | MapBits
) -> Iterator[tuple[int, int, NDArray[Any], NDArray[Any], NDArray[np.int64]]]:
    total = geometry.dmap_pages - 1  # without the spare page
    untouched: tuple[NDArray[Any], NDArray[Any]] | None = None
    for first_dmap in range(0, total, DMAPS_PER_L0):
        count = min(DMAPS_PER_L0, total - first_dmap)
        first = first_dmap * BLOCKS_PER_DMAP
        end = first + count * BLOCKS_PER_DMAP
        empty = end <= geometry.blocks and used.is_free(first, end)
        if empty and count == DMAPS_PER_L0:  # all free: the same pages but for `start`
            if untouched is None:
                pages, _ = dmap_pages(dialect, first_dmap, np.zeros(BLOCKS_PER_L0, bool), geometry.blocks)
                untouched = pages, level_page(dialect, pages["tree"]["stree"][:, 0], L0_BUDMIN)
            pages, control = untouched
            pages["start"] = first + np.arange(count) * BLOCKS_PER_DMAP
            free = np.full(count, BLOCKS_PER_DMAP, np.int64)
        else:
            bits = used.bits(first, count * BLOCKS_PER_DMAP)
            pages, free = dmap_pages(dialect, first_dmap, bits, geometry.blocks)
            control = level_page(dialect, pages["tree"]["stree"][:, 0], L0_BUDMIN)
        yield first_dmap // DMAPS_PER_L0, first, pages, control, free


def _write_upper_levels(device: BlockDevice, geometry: Geometry, dialect: Dialect, roots: list[int], base: int) -> int:
    if geometry.max_level == 0:
        return roots[0]
    level1 = []
    for l1 in range(-(-len(roots) // 1024)):
        page = level_page(dialect, np.array(roots[l1 * 1024 : (l1 + 1) * 1024], np.int8), L1_BUDMIN)
        device.write(base + l1_page(l1) * PAGE, page)
        level1.append(int(page["stree"][0, 0]))
    if geometry.max_level == 1:
        return level1[0]
    page = level_page(dialect, np.array(level1, np.int8), L2_BUDMIN)
    device.write(base + L2_PAGE * PAGE, page)
    return int(page["stree"][0, 0])
