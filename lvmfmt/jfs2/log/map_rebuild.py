"""Making the maps anew after a replay: committed bits with the events of the log, and all that follows from them.

Only the committed bits (pmap) of a file system that was not unmounted can be trusted; counts, trees, lists and the
working maps are computed. Source: reference sections 2.6, 2.7 and 3.10.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice, Piece, PieceList
from ...units import ceil_div
from ..geometry import (
    BLOCKS_PER_DMAP,
    EXTENTS_PER_IAG,
    INODES_PER_EXTENT,
    INODES_PER_IAG,
    L2_PAGE,
    PAGE,
    Geometry,
    dmap_page,
    l0_page,
    l1_page,
)
from ..inodes.inode import Inode
from ..maps.blockmap import DMAPS_PER_L0, BlockMapTotals, dmap_pages, level_page
from ..maps.blockmap import control_page as block_control_page
from ..maps.buddy import L0_BUDMIN, L1_BUDMIN, L2_BUDMIN
from ..maps.inode_map import control_page as inode_control_page
from ..maps.inode_map import iag_pages
from ..reading.inodes import InodeMap
from ..reading.xtree import read_extents
from ..volume import Volume

BLOCK_MAP = 2
"""Aggregate inode of the block map."""
_DERIVED = ("inofreefwd", "inofreeback", "extfreefwd", "extfreeback", "iagfree", "inosmap", "extsmap", "nfreeinos",
            "nfreeexts", "wmap", "pmap", "inoext")  # fmt: skip


def map_file(volume: Volume, inode: Inode, pages: int) -> PieceList:
    """The pages of a map, one after the other.

    Raises:
        CorruptImage: its extents have gaps, or there are fewer than `pages` pages.
    """
    pieces, end, block = [], 0, volume.block_size
    for offset, length, address, _ in read_extents(volume, inode.root, at=inode.root_at).tolist():
        if offset != end:
            raise volume.corrupt("xad", "off_lo", inode.root_at, end, offset)
        pieces.append(Piece(volume.device, address * block, length * block))
        end += length
    if end * block < pages * PAGE:
        raise volume.corrupt("inode", "di_size", inode.at, f"at least {pages} pages", f"{end * block // PAGE}")
    return PieceList(pieces, name=volume.where)


class InodeMapRebuild:
    """An inode map as it is after a replay, in memory until it is written.

    Args:
        volume: the file system, its pages already as after the replay.
        geometry: of it.
        inodes: where the inode of the map is found.
        number: aggregate inode of the map: 1 or 16.
        used: whether an inode is in use, by its number: what the log says.
        extents: block address of inode extents, 0 for none, by (IAG, index): what the log says.
        table_entries: the same by (block of the IAG's page, index).
        keep_empty: keep inode extents that no inode in use lies in.

    Attributes:
        freed: (block address, length) of inode extents given back.

    Raises:
        CorruptImage: the map makes no sense.
    """

    def __init__(
        self,
        volume: Volume,
        geometry: Geometry,
        inodes: InodeMap,
        number: int,
        *,
        used: Mapping[int, bool],
        extents: Mapping[tuple[int, int], int],
        table_entries: Mapping[tuple[int, int], int],
        keep_empty: bool,
    ) -> None:
        self._volume = volume
        inode = inodes.aggregate_inode(number)
        self._file = map_file(volume, inode, 2)
        count = self._file.size // PAGE - 1
        self._old = volume.dialect.structures.iag.table(self._file.read(PAGE, count * PAGE))
        address = self._checked(geometry)
        at = {offset // volume.block_size: k for k, offset in enumerate(map(self._offset, range(count)))}
        in_use = np.unpackbits(self._old["pmap"].astype(">u4").view(np.uint8)).view(np.bool_)
        for where, value in [*extents.items(), *((_iag(volume, at, *key), v) for key, v in table_entries.items())]:
            if where[0] >= count or not 0 <= where[1] < EXTENTS_PER_IAG:
                raise volume.corrupt("log_record", "inode", None, f"an inode extent in {count} IAGs", where)
            address[where] = value
        for number, value in used.items():
            if number >= count * INODES_PER_IAG:
                raise volume.corrupt(
                    "log_record", "inode", None, f"an inode below {count * INODES_PER_IAG}", number
                )  # fmt: skip
            in_use[number] = value
        by_extent = in_use.reshape(count, EXTENTS_PER_IAG, INODES_PER_EXTENT)
        by_extent[address == 0] = False
        empty = (address != 0) & ~by_extent.any(axis=2) & (not keep_empty)
        self.freed = [(a, geometry.blocks_per_extent) for a in address[empty].tolist()]
        address[empty] = 0
        rows = iag_pages(volume.dialect, geometry, in_use, address.ravel())
        rows["agstart"] = self._old["agstart"]
        self._control = inode_control_page(volume.dialect, geometry, rows)
        self._new = self._old.copy()
        for field in _DERIVED:
            self._new[field] = rows[field]

    def write(self) -> None:
        """Write the pages that have changed to the device of the volume."""
        before = self._volume.dialect.structures.dinomap.table(self._file.read(0, PAGE))
        for field in ("in_unused", "in_rsvd"):
            self._control[field] = before[field]
        write_changed(self._file, 0, before, self._control)
        write_changed(self._file, PAGE, self._old, self._new)

    def _offset(self, k: int) -> int:
        """Byte offset in the device of an IAG page."""
        return next(at for _, at, _, _ in self._file.map((k + 1) * PAGE, PAGE))

    def _checked(self, geometry: Geometry) -> NDArray[np.int64]:
        """Block addresses of the inode extents on the disk, 0 for none: shape (IAGs, 128)."""
        volume, rows = self._volume, self._old
        length, address = volume.dialect.get_pxd(rows["inoext"])
        none = (length == 0) & (address == 0)
        agstart = rows["agstart"]
        for field, wrong, expected in (
            ("iagnum", rows["iagnum"] != np.arange(len(rows)), "its place in the map"),
            (
                "agstart",
                (agstart < 0) | (agstart >= geometry.blocks) | (agstart % geometry.ag_size != 0),
                "the start of an allocation group",
            ),
            (
                "inoext",
                (~none & (volume.bad_extents(address, length) | (length != geometry.blocks_per_extent))).any(axis=1),
                "inode extents inside the file system",
            ),
        ):
            if wrong.any():
                k = int(np.flatnonzero(wrong)[0])
                offset = self._offset(k) + volume.dialect.structures.iag.offset_of(field)
                found = "others" if field == "inoext" else rows[field][k]
                raise volume.corrupt("iag", field, offset, expected, found)
        return np.where(none, 0, address)


def _iag(volume: Volume, places: Mapping[int, int], block: int, index: int) -> tuple[int, int]:
    """(IAG, index of an extent) for the block of the IAG's page."""
    if block not in places:
        raise volume.corrupt("log_xdtable", "parent", None, "a page of the inode map", block)
    return places[block], index


def rebuild_block_map(
    volume: Volume, geometry: Geometry, inodes: InodeMap, freed: list[tuple[int, int]], events: NDArray[np.int64]
) -> None:
    """Make the block map anew on the device of the volume, one level-0 group at a time.

    Args:
        volume: the file system, its pages already as after the replay.
        geometry: of it.
        inodes: where the inode of the map is found.
        freed: (block address, length) of what the inode maps gave back; it was in use for no one else.
        events: (address, length, used) oldest first, shape (events, 3).

    Raises:
        CorruptImage: the map makes no sense.
    """
    s = volume.dialect.structures
    file = map_file(volume, inodes.aggregate_inode(BLOCK_MAP), geometry.map_pages)
    before = s.dbmap.table(file.read(0, PAGE))
    if before["dn_mapsize"][0] != geometry.blocks:
        raise volume.corrupt("dbmap", "dn_mapsize", None, geometry.blocks, before["dn_mapsize"][0])
    last = np.array([(address, length, 0) for address, length in freed], np.int64).reshape(-1, 3)
    events = np.concatenate((events, last))
    dmaps = ceil_div(geometry.blocks, BLOCKS_PER_DMAP)
    roots: list[int] = []
    ag_free = np.zeros(128, np.int64)
    for first_dmap in range(0, dmaps, DMAPS_PER_L0):
        count = min(DMAPS_PER_L0, dmaps - first_dmap)
        at = dmap_page(first_dmap) * PAGE
        old = s.dmap.table(file.read(at, count * PAGE))
        starts = (first_dmap + np.arange(count)) * BLOCKS_PER_DMAP
        if (old["start"] != starts).any():
            row = int(np.flatnonzero(old["start"] != starts)[0])
            raise volume.corrupt("dmap", "start", None, int(starts[row]), old["start"][row])
        bits = np.unpackbits(old["pmap"].astype(">u4").view(np.uint8)).view(np.bool_)
        _paint(bits, int(starts[0]), events)
        new, free = dmap_pages(volume.dialect, first_dmap, bits, geometry.blocks)
        new["pad"] = old["pad"]
        write_changed(file, at, old, new)
        np.add.at(ag_free, starts >> geometry.ag_log2, free)
        roots.append(_write_level(volume, file, l0_page(len(roots)), new["tree"]["stree"][:, 0], L0_BUDMIN))
    top = _write_upper_levels(volume, geometry, file, roots)
    totals = BlockMapTotals(int(ag_free.sum()), ag_free, top)
    control = s.dbmap.table(block_control_page(geometry, volume.dialect, totals)).copy()
    control["dn_pad"] = before["dn_pad"]
    write_changed(file, 0, before, control)


def _paint(bits: NDArray[np.bool_], first: int, events: NDArray[np.int64]) -> None:
    """Bring the bits of the blocks `first` and on up to date, in place: the last event of a block counts."""
    begin, end = events[:, 0] - first, events[:, 0] + events[:, 1] - first
    near = (end > 0) & (begin < len(bits))
    for a, b, used in zip(begin[near].tolist(), end[near].tolist(), events[near, 2].tolist(), strict=True):
        bits[max(a, 0) : b] = used


def _write_level(volume: Volume, file: PieceList, page: int, roots: NDArray[Any], budmin: int) -> int:
    """Write a control page over children with the given tree roots; returns the root of its own tree."""
    old = volume.dialect.structures.dmapctl.table(file.read(page * PAGE, PAGE))
    new = level_page(volume.dialect, roots, budmin)
    new["pad"] = old["pad"]
    write_changed(file, page * PAGE, old, new)
    return int(new["stree"][0, 0])


def _write_upper_levels(volume: Volume, geometry: Geometry, file: PieceList, roots: list[int]) -> int:
    if geometry.max_level == 0:
        return roots[0]
    level1 = [
        _write_level(volume, file, l1_page(i // 1024), np.array(roots[i : i + 1024], np.int8), L1_BUDMIN)
        for i in range(0, len(roots), 1024)
    ]
    if geometry.max_level == 1:
        return level1[0]
    return _write_level(volume, file, L2_PAGE, np.array(level1, np.int8), L2_BUDMIN)


def write_changed(device: BlockDevice, at: int, old: NDArray[Any], new: NDArray[Any]) -> None:
    """Write those pages of `new` that differ from `old`, in runs; both of shape (pages,), starting at byte `at`."""
    a, b = (table.view(np.uint8).reshape(len(table), PAGE) for table in (old, new))
    edges = np.flatnonzero(np.diff((a != b).any(axis=1), prepend=False, append=False))
    for start, end in edges.reshape(-1, 2).tolist():
        device.write(at + start * PAGE, b[start:end])
