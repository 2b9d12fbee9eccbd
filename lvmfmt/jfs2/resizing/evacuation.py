"""Moving what lies behind the new end of a file system to free blocks before it.

Every object with blocks behind the end gets a new body before it: data, trees and directory pages are written to free
blocks, where nobody looks yet. Only the sectors of inodes and inode maps change in place; they are noted first (see
`shrink_intent`), so that a stop leaves the old file system, or one whose shrink is finished by doing it again.
Source: [jfs2 3.14].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice, CopyPlan
from ...errors import NoSpace, UnsupportedFeature
from ...units import SECTOR, ceil_div
from ..attributes.forms import descriptor_form
from ..building.dir_index import table_trees
from ..dialect.inode_form import INLINE_EA
from ..geometry import AIM_OFFSET, PAGE, Geometry
from ..inodes.inode import Inode
from ..inodes.inode_table import BLOCK_MAP, FILESET, SHORT_ROOT_ENTRIES, SHORT_ROOT_MAXENTRY
from ..maps.free_space import FreeSpace
from ..maps.used_blocks import MappedBlocks, free_runs
from ..nodes.directory_node import INLINE_INDEXES, ROOT_BYTES, DirectoryCodec
from ..nodes.directory_writer import relocated
from ..nodes.extent_node import FIRST_ENTRY, first_xad
from ..nodes.packed_extents import ENTRY
from ..reading.inodes import InodeMap
from ..superblock import Superblock
from .beyond_end import BeyondEnd, BeyondEndSearch, attribute_extents, files, index_extents
from .placement import place
from .relocation import Relocation, relocate_index
from .shrink_intent import SECTOR_ROW, body_bytes, write_intent

_CHUNK_PAGES = 1024


class Evacuation:
    """The plan of a move; making it writes nothing.

    Args:
        device: the file system, clean.
        superblock: of it.
        inodes: of it.
        use: its used blocks.
        new: the geometry afterwards.

    Raises:
        NoSpace: it does not fit before the new end.
        OperationRefused: the file system has errors.
        UnsupportedFeature: something cannot be moved.
    """

    def __init__(
        self, device: BlockDevice, superblock: Superblock, inodes: InodeMap, use: MappedBlocks, new: Geometry
    ) -> None:
        self._device, self._superblock, self._inodes = device, superblock, inodes
        self._volume, self._dialect = inodes.volume, inodes.volume.dialect
        self._old = superblock.geometry
        self._directories = DirectoryCodec(
            self._dialect, self._volume.block_size, self._volume.blocks, indexed=superblock.indexed_directories
        )
        self._survey = BeyondEndSearch(device, superblock, inodes, new)
        self._behind: BeyondEnd = self._survey.find()
        space = FreeSpace(free_runs(use, new.blocks), self._full)
        bpp = self._volume.blocks_per_page
        self._place = place(self._volume, self._behind, space, map_blocks=new.map_pages * bpp)
        self._tree_row = {int(number): i for i, number in enumerate(self._behind.trees["number"].tolist())}
        row = self._tree_row.get(-BLOCK_MAP)
        if row is not None and self._place.trees.page_counts[row]:
            raise UnsupportedFeature("a block map in more than 16 pieces", where=device.name)
        self._book = self._intent_place(space)

    def _full(self, wanted: str, there: str) -> NoSpace:
        return NoSpace(
            f"what lies behind the new end needs {wanted} before it, {there}", where=self._device.name,
            hint="choose a larger size, shrink in steps (each shortens the block map), or remove files first",
        )  # fmt: skip

    def carry_out(self) -> None:
        """Write the new bodies and the intent record; the file system stays as it is."""
        p, size = self._place, self._volume.block_size
        CopyPlan.of(self._device, [(a * size, to * size, n * size) for a, n, to in p.moves.tolist()]).execute(
            self._device
        )
        for row in np.flatnonzero(p.trees.page_counts).tolist():
            address = int(p.tree_address[row])
            self._device.write(address * size, p.trees.pages(row, address, self._volume.blocks_per_page))
        self._inode_extents()
        write_intent(
            self._device, self._old, self._book, taken=p.taken, freed=p.freed,
            second=(p.solid.block(self._old.ait2), p.solid.block(self._old.aim2)), sectors=self._sectors(),
        )  # fmt: skip

    def _intent_place(self, space: FreeSpace) -> int:
        """Byte offset of enough room: behind the head, or in free blocks."""
        g, p = self._old, self._place
        sectors = len(self._survey.numbers) + 2 * self._inodes.iag_count + 8 + len(self._behind.solid)
        need = body_bytes(len(p.taken) + len(p.freed), sectors)
        if need <= g.fsck_blocks * g.block_size - PAGE:
            return g.fsck_address * g.block_size + PAGE
        return space.take(ceil_div(need, g.block_size)) * g.block_size

    def _inode_extents(self) -> None:
        """Inodes in extents that moved say where they are now."""
        size, record = self._volume.block_size, self._dialect.structures.inode
        solid = self._behind.solid
        second = np.isin(solid["address"], (self._old.ait2, self._second_map()))
        chosen = (solid["number"] == 0) & ~second
        tables = solid[chosen][["address", "length", "to"]].tolist()
        if self._moved(self._old.ait2):
            tables.append((self._old.ait2, self._old.blocks_per_extent, self._place.solid.block(self._old.ait2)))
        for address, length, to in tables:
            table = record.table(self._device.read(to * size, length * size)).copy()
            _, own = self._dialect.get_pxd(table["di_ixpxd"])
            self._dialect.put_pxd(table["di_ixpxd"], own == address, to, length)
            self._device.write(to * size, table)

    def _second_map(self) -> int:
        return self._old.aim2 if self._old.has_aim2 else -1

    def _sectors(self) -> Iterator[NDArray[np.void]]:
        """All sectors that change in place, arrays of `SECTOR_ROW`; writes pages of directories on the way."""
        yield self._rows(list(self._aggregate()))
        yield self._rows(list(self._inode_maps()))
        for batch in files(self._inodes, self._survey.numbers):
            moved = self._directory_pages([inode.number for inode in batch])
            yield self._rows([self._changed(inode, moved.get(inode.number)) for inode in batch])

    def _rows(self, sectors: list[tuple[int, NDArray[np.uint8]]]) -> NDArray[np.void]:
        rows = np.zeros(len(sectors), SECTOR_ROW)
        if sectors:
            at = np.array([offset for offset, _ in sectors], np.int64)
            rows["offset"] = self._place.solid.bytes(at, self._volume.block_size)
            rows["data"] = np.stack([data for _, data in sectors])
        return rows

    def _aggregate(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        numbers = [n for n in (BLOCK_MAP, FILESET) if -n in self._tree_row]
        second = [(n, True) for n in numbers]
        if self._dialect.has_aim2 and self._moved(self._old.aim2):
            second.append((1, True))
        for number, copy in [(n, False) for n in numbers] + second:
            inode = self._inodes.aggregate_inode(number, second=copy)
            self._own_extent(inode)
            if number == 1:  # the second map: the only extent of the second inode 1
                self._place.solid.pxds(self._volume, first_xad(self._dialect, inode.row["root"][0]))
            else:
                self._tree(inode, self._tree_row[-number])
            yield inode.at, inode.row.view(np.uint8).reshape(-1)
        if self._moved(self._old.ait2):
            at = self._old.aim2 * self._volume.block_size if self._dialect.has_aim2 else AIM_OFFSET
            record = self._dialect.structures.iag
            yield from self._inode_map_sectors(at + PAGE, record.table(self._device.read(at + PAGE, PAGE)).copy())

    def _moved(self, address: int) -> bool:
        return self._place.solid.block(address) != address

    def _inode_maps(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for k in range(self._inodes.iag_count):
            iag = self._inodes.iag(k)
            if (iag.address + iag.length > self._behind.end).any():
                yield from self._inode_map_sectors(self._inodes.map_offset(k), iag.row.copy())

    def _inode_map_sectors(self, at: int, row: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """The sectors of one page of an inode map that name its extents."""
        self._place.solid.pxds(self._volume, row["inoext"][0])
        raw = row.view(np.uint8).reshape(-1)
        for start in range(self._dialect.structures.iag.offset_of("inoext"), PAGE, SECTOR):
            yield at + start, raw[start : start + SECTOR]

    def _changed(self, inode: Inode, pages: Relocation | None) -> tuple[int, NDArray[np.uint8]]:
        """An inode of the fileset as it is afterwards."""
        self._own_extent(inode)
        if (row := self._tree_row.get(inode.number)) is not None:
            self._tree(inode, row)
        if pages is not None:
            root = self._directories.root(inode.root[:ROOT_BYTES].tobytes())[0]
            inode.root[:ROOT_BYTES] = np.frombuffer(relocated(self._directories, root, pages.block), np.uint8)
            if self._superblock.indexed_directories:
                self._index(inode, pages)
        self._attributes(inode)
        return inode.at, inode.row.view(np.uint8).reshape(-1)

    def _own_extent(self, inode: Inode) -> None:
        self._place.solid.pxds(self._volume, inode.row["di_ixpxd"])

    def _tree(self, inode: Inode, row: int) -> None:
        """The new root of an extent tree; what it does not need of the inode stays."""
        p, bpp, record = self._place, self._volume.blocks_per_page, self._dialect.structures.xtree_header
        new = p.trees.roots(row, row + 1, p.tree_address, bpp)[0]
        header, was = record.table(new, 1), record.table(inode.root, 1)
        pages = int(p.trees.page_counts[row])
        entries = int(header["nextindex"][0]) - FIRST_ENTRY
        if was["maxentry"][0] == SHORT_ROOT_MAXENTRY:
            if entries <= SHORT_ROOT_ENTRIES and not pages:
                header["maxentry"] = SHORT_ROOT_MAXENTRY
            else:
                inode.row["di_mode"] &= ~np.uint32(INLINE_EA)
        end = 32 + ENTRY * entries
        inode.root[:end] = new[:end]
        inode.row["di_nblocks"] += (pages - int(self._behind.trees["pages"][row])) * bpp

    def _attributes(self, inode: Inode) -> None:
        attribute_extents(self._volume, inode)
        descriptor_form(self._dialect).relocate(inode.row, self._place.solid.blocks)

    def _directory_pages(self, numbers: list[int]) -> dict[int, Relocation]:
        """Write the pages of directories at their new places; where they went, by directory."""
        table, size = self._behind.pages, self._volume.block_size
        moved = {}
        for number in numbers:
            first, last = np.searchsorted(table["number"], (number, number + 1))
            rows = table[first:last]
            if not len(rows):
                continue
            moves = Relocation(np.stack([rows[name] for name in ("address", "length", "to")], axis=1))
            for address, length, to in rows[["address", "length", "to"]].tolist():
                page, _ = self._directories.page(self._device.read(address * size, length * size).tobytes(), address)
                self._device.write(to * size, relocated(self._directories, page, moves.block))
            moved[number] = moves
        return moved

    def _index(self, inode: Inode, pages: Relocation) -> None:
        """The directory's index names the new leaves; its own pages move together."""
        slots = inode.row["dirtable"][0]
        old = self._behind.tables.get(inode.number)
        if old is None:
            relocate_index(slots[: 8 * INLINE_INDEXES], pages)
            return
        size, to = self._volume.block_size, self._place.table_address[inode.number]
        _, tree = index_extents(self._volume, self._superblock, inode)
        for address, length in old[["address", "length"]].tolist():
            data = self._device.read(address * size, length * size).copy()
            relocate_index(data, pages)
            self._device.write(to * size, data)
            to += length
        bpp = self._volume.blocks_per_page
        trees, runs = table_trees(self._dialect, np.array([int(old["length"].sum()) // bpp]), bpp)
        above = runs.place(self._place.table_address[inode.number])
        count = int(trees.page_counts[0])
        if count:
            self._device.write(above * size, trees.pages(0, above, bpp))
        slots[:] = trees.roots(0, 1, np.array([above]), bpp)[0]
        inode.row["di_nblocks"] += (count - len(tree)) * bpp
