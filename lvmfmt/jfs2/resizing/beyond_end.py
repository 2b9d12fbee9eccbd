"""What lies behind the new end of a file system, and who points to it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import NoSpace, OperationRefused, UnsupportedFeature
from ..attributes.descriptor import INLINE_FLAG, AttributeKind
from ..attributes.forms import descriptor_form
from ..checking import check
from ..checking.findings import ERROR
from ..checking.ownership import aggregate_owner, owner_name
from ..geometry import Geometry
from ..inodes.inode import Inode
from ..inodes.inode_table import BLOCK_MAP, FILESET
from ..nodes.directory_node import FIRST_INDEX, INLINE_INDEXES
from ..nodes.extent_node import FILE_EXTENT
from ..reading.directory import DirectoryReader
from ..reading.inodes import InodeMap
from ..reading.xtree import read_extents
from ..superblock import Superblock
from ..volume import Volume

BATCH = 1024
"""Inodes that are held in memory at a time."""
TREE = np.dtype([("number", "<i8"), ("rigid", "?"), ("pages", "<i8")])
"""dtype of a file whose extent tree is written anew: inode (aggregate inodes are negative), whether its extents must
stay in one piece each, pages of its tree."""
BLOCKS = np.dtype([("number", "<i8"), ("address", "<i8"), ("length", "<i8"), ("align", "<i8"), ("to", "<i8")])
"""dtype of blocks that stay together: the inode that they belong to, where they are, where they go to."""


def owners_behind(device: BlockDevice, end: int) -> NDArray[np.int64]:
    """Who owns blocks from block `end` on: inode numbers, and the negative numbers of `check.ownership`.

    Raises:
        OperationRefused: the file system has errors, so moving its blocks is not safe.
    """
    found: list[NDArray[np.int64]] = []
    report = check(device, settle=lambda subject, _, __: found.append(subject.owners.ranges()))
    errors = [f for f in report.findings if f.severity == ERROR]
    if errors:
        raise OperationRefused(
            f"the file system has errors, first: {errors[0].text}", where=device.name, hint="run fsck first"
        )
    _, ends, owners = found[0]
    return np.unique(owners[ends > end])


@dataclass
class BeyondEnd:
    """All that has to move.

    Attributes:
        end: blocks of the file system afterwards.
        trees: array of `TREE`.
        extents: extents of those files, arrays of `FILE_EXTENT`, one for each.
        solid: arrays of `BLOCKS` that are copied as they are: inode extents, second tables, attributes.
        pages: arrays of `BLOCKS`: pages of directories, which are changed on the way.
        tables: (directory, old extents, old pages of their tree) of directory indexes with pages.
        freed: (first block, length) of pages that are given back.
    """

    end: int
    trees: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, TREE))
    extents: list[NDArray[np.void]] = field(default_factory=list)
    solid: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, BLOCKS))
    pages: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, BLOCKS))
    tables: dict[int, NDArray[np.void]] = field(default_factory=dict)
    freed: list[tuple[int, int]] = field(default_factory=list)


class BeyondEndSearch:
    """Finds what has to move.

    Args:
        device: the file system, clean.
        superblock: of it.
        inodes: of it.
        new: the geometry afterwards.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock, inodes: InodeMap, new: Geometry) -> None:
        self.volume: Volume = inodes.volume
        self.superblock, self.inodes, self.new = superblock, inodes, new
        self.numbers = owners_behind(device, new.blocks)
        self.reader = DirectoryReader(self.volume, indexed=superblock.indexed_directories)
        self._trees: list[tuple[int, bool, int]] = []
        self._solid: list[tuple[int, int, int, int, int]] = []
        self._pages: list[tuple[int, int, int, int, int]] = []
        self._found = BeyondEnd(new.blocks)

    def find(self) -> BeyondEnd:
        """Go through all that owns blocks behind the new end.

        Raises:
            NoSpace, UnsupportedFeature: something lies there that cannot be moved.
        """
        self._aggregate()
        self._inode_extents()
        for inodes in files(self.inodes, self.numbers):
            for inode in inodes:
                self._file(inode)
        found = self._found
        found.trees = np.array(self._trees, TREE)
        found.solid, found.pages = np.array(self._solid, BLOCKS), np.array(self._pages, BLOCKS)
        return found

    def _aggregate(self) -> None:
        old, bpp = self.superblock.geometry, self.volume.blocks_per_page
        owned = {number: aggregate_owner(number) for number in (BLOCK_MAP, FILESET)}
        if old.has_aim2 and old.ait2 == old.aim2 + 2 * bpp:  # they stay together, as `jfs_fsck` expects them
            self._second(old.aim2, 2 * bpp + old.blocks_per_extent)
        else:
            self._second(old.ait2, old.blocks_per_extent)
            if old.has_aim2:
                self._second(old.aim2, 2 * bpp)
        for number, owner in owned.items():
            if owner in self.numbers:
                self._tree(self.inodes.aggregate_inode(number), -number, rigid=True)
        for owner in self.numbers[self.numbers <= aggregate_owner(0)].tolist():
            if owner not in owned.values():
                raise NoSpace(f"blocks of {owner_name(owner)} cannot be moved", where=self.volume.where)

    def _second(self, address: int, length: int) -> None:
        if address + length > self.new.blocks:
            self._solid.append((0, address, length, self.volume.blocks_per_page, 0))

    def _inode_extents(self) -> None:
        for k in range(self.inodes.iag_count):
            iag = self.inodes.iag(k)
            for e in np.flatnonzero(iag.address + iag.length > self.new.blocks).tolist():
                row = 0, int(iag.address[e]), int(iag.length[e]), self.volume.blocks_per_page, 0
                self._solid.append(row)

    def _file(self, inode: Inode) -> None:
        is_link = inode.kind == stat.S_IFLNK
        if inode.kind == stat.S_IFREG or (is_link and inode.size >= self.volume.dialect.symlink_inline_limit):
            self._tree(inode, inode.number, rigid=is_link or self._inline_attributes(inode))
        elif inode.kind == stat.S_IFDIR:
            self._directory(inode)
        self._attributes(inode)

    def _tree(self, inode: Inode, number: int, *, rigid: bool) -> None:
        pages: list[int] = []
        extents = read_extents(self.volume, inode.root, at=inode.root_at, pages=pages)
        bpp = self.volume.blocks_per_page
        behind = extents["address"] + extents["length"] > self.new.blocks
        if number == -BLOCK_MAP:
            behind &= extents["offset"] < self.new.map_pages * bpp
        if not behind.any() and not any(page + bpp > self.new.blocks for page in pages):
            return
        self._trees.append((number, rigid, len(pages)))
        self._found.extents.append(extents)
        self._found.freed += [(page, bpp) for page in pages]

    def _directory(self, inode: Inode) -> None:
        """All pages of a directory move, so that nothing but its inode is changed in place."""
        bpp = self.volume.blocks_per_page
        pages = self.reader.pages(inode.root.tobytes(), at=inode.root_at)
        table, tree = index_extents(self.volume, self.superblock, inode)
        spots = [*pages, *((int(e["address"]), int(e["length"])) for e in table), *((page, bpp) for page in tree)]
        if not any(address + length > self.new.blocks for address, length in spots):
            return
        self._pages += [(inode.number, address, length, min(bpp, length), 0) for address, length in pages]
        if len(table):
            self._found.tables[inode.number] = table
            self._found.freed += [(page, bpp) for page in tree]

    def _inline_attributes(self, inode: Inode) -> bool:
        return bool(descriptor_form(self.volume.dialect).flag(inode.row[0]) & INLINE_FLAG)

    def _attributes(self, inode: Inode) -> None:
        for address, length in attribute_extents(self.volume, inode):
            if address + length > self.new.blocks:
                self._solid.append((inode.number, address, length, 1, 0))


def attribute_extents(volume: Volume, inode: Inode) -> list[tuple[int, int]]:
    """(address, length) of the extents with an inode's attributes.

    Raises:
        UnsupportedFeature: some are kept in a way that is not published.
    """
    found = descriptor_form(volume.dialect).read_all(volume, inode)
    if any(d.kind is AttributeKind.UNKNOWN for d in found):
        raise UnsupportedFeature(f"moving the attributes of inode {inode.number}", where=volume.where)
    return [(d.address, d.length) for d in found if d.kind is AttributeKind.EXTENT]


def index_extents(volume: Volume, superblock: Superblock, inode: Inode) -> tuple[NDArray[np.void], list[int]]:
    """Extents of a directory's index (array of `FILE_EXTENT`) and the pages of their tree, both empty where the
    index fits the inode."""
    pages: list[int] = []
    if not superblock.indexed_directories or int(inode.row["di_next_index"][0]) - FIRST_INDEX <= INLINE_INDEXES:
        return np.zeros(0, FILE_EXTENT), pages
    at = inode.at + volume.dialect.structures.inode.offset_of("dirtable")
    return read_extents(volume, inode.row["dirtable"][0], at=at, pages=pages), pages


def files(inodes: InodeMap, numbers: NDArray[np.int64]) -> Iterator[list[Inode]]:
    """The inodes among `numbers` that are not negative, in batches."""
    numbers = numbers[numbers >= 0]
    for first in range(0, len(numbers), BATCH):
        batch = numbers[first : first + BATCH]
        at, rows = inodes.read_many(batch)
        yield [
            Inode(number, offset, rows[i : i + 1].copy())
            for i, (number, offset) in enumerate(zip(batch.tolist(), at.tolist(), strict=True))
        ]
