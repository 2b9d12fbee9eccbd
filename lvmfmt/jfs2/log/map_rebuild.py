"""Making the maps anew after a replay: committed bits with the events of the log, and all that follows from them.

Only the committed bits (pmap) of a file system that was not unmounted can be trusted; counts, trees, lists and the
working maps are computed. Source: [jfs2 2.6, 2.7, 3.10.10].
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..geometry import BLOCKS_PER_DMAP, EXTENTS_PER_IAG, INODES_PER_EXTENT, INODES_PER_IAG, Geometry, dmap_page
from ..inodes.inode_table import BLOCK_MAP
from ..maps.block_map import BlockMapWriter
from ..maps.map_file import MapFile
from ..nodes.inode_group import PLACE_CHECKS, InodeGroups, link_groups, renewed_groups
from ..nodes.map_words import bits_of
from ..nodes.page_faults import first_fault
from ..reading.inodes import InodeMap
from ..reading.xtree import read_extents
from ..volume import Volume

"""Aggregate inode of the block map."""


def aggregate_map(volume: Volume, inodes: InodeMap, number: int, pages: int) -> MapFile:
    """The map that an inode of the aggregate holds.

    Raises:
        CorruptImage: its extents have gaps, or there are fewer than `pages` pages.
    """
    inode = inodes.aggregate_inode(number)
    file = MapFile.whole(volume, read_extents(volume, inode.root, at=inode.root_at), at=inode.root_at)
    if file.pages < pages:
        raise volume.corrupt("inode", "di_size", inode.at, f"at least {pages} pages", f"{file.pages}")
    return file


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
        self._file = aggregate_map(volume, inodes, number, 2)
        count = self._file.pages - 1
        self._old = self._file.table(volume.dialect.structures.iag, 1, count)
        groups = InodeGroups(volume.dialect, geometry, self._old, blocks=volume.blocks)
        if (fault := first_fault(groups.faults((*PLACE_CHECKS, "iag-ag-start")))) is not None:
            raise self._file.corrupt(fault, 1)
        address = np.where(groups.present, groups.address, 0)
        at = {place // volume.block_size: k for k, place in enumerate(self._file.places(1, count).tolist())}
        in_use = groups.used.ravel()
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
        self._new = renewed_groups(volume.dialect, geometry, self._old, in_use, address.ravel())
        self._before = self._file.table(volume.dialect.structures.dinomap, 0)
        self._control = link_groups(volume.dialect, geometry, self._new, self._before)

    def write(self) -> None:
        """Write the pages that have changed to the device of the volume."""
        self._file.write_changed(0, self._before, self._control)
        self._file.write_changed(1, self._old, self._new)


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
    file = aggregate_map(volume, inodes, BLOCK_MAP, geometry.map_pages)
    size = file.table(volume.dialect.structures.dbmap, 0)["dn_mapsize"][0]
    if size != geometry.blocks:
        raise volume.corrupt("dbmap", "dn_mapsize", None, geometry.blocks, size)
    last = np.array([(address, length, 0) for address, length in freed], np.int64).reshape(-1, 3)
    BlockMapWriter(file, geometry, _CommittedBlocks(file, np.concatenate((events, last)))).write()


class _CommittedBlocks:
    """The blocks in use as committed, brought up to date by what the log says.

    Args:
        file: the block map.
        events: (address, length, used) oldest first, shape (events, 3).
    """

    def __init__(self, file: MapFile, events: NDArray[np.int64]) -> None:
        self._file, self._events = file, events

    def bits(self, first: int, count: int) -> NDArray[np.bool_]:
        """See `BlockUse.bits`; the last event of a block counts."""
        volume, pages = self._file.volume, np.arange(first, first + count, BLOCKS_PER_DMAP)
        old = self._file.table(volume.dialect.structures.dmap, dmap_page(first // BLOCKS_PER_DMAP), len(pages))
        wrong = old["start"] != pages
        if wrong.any():
            row = int(wrong.argmax())
            raise volume.corrupt("dmap", "start", None, int(pages[row]), old["start"][row])
        bits: NDArray[np.bool_] = bits_of(old["pmap"]).ravel()
        begin = self._events[:, 0] - first
        end = begin + self._events[:, 1]
        near = (end > 0) & (begin < count)
        for a, b, used in zip(begin[near].tolist(), end[near].tolist(), self._events[near, 2].tolist(), strict=True):
            bits[max(a, 0) : b] = used
        return bits

    def is_free(self, first: int, end: int) -> bool:
        """See `BlockUse.is_free`: every page is looked at."""
        return False
