"""The inode map: its inode, its control page, and the inode allocation groups.

Source: [jfs2 2.3, 2.6], [jfs2 invariants 17 to 33].
"""

from __future__ import annotations

import stat
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ..geometry import AIT_OFFSET, INODE_SIZE, INODES_PER_EXTENT, INODES_PER_IAG, PAGE
from ..inodes.inode import Inode
from ..inodes.inode_table import AGGREGATE, FILESET
from ..maps.map_file import MapFile
from ..nodes.inode_group import MAP_CHECKS, PLACE_CHECKS, InodeGroups, inode_control_faults
from ..nodes.page_faults import first_fault
from ..superblock import Superblock
from ..volume import Volume
from .xtree import read_extents

_CACHED_IAGS = 64


class Iag(NamedTuple):
    """An inode allocation group.

    Attributes:
        row: array of shape (1,), dtype of the iag record.
        address: block address of each inode extent, 0 for none, shape (128,).
        length: blocks of each, shape (128,).
        used: which inodes are in use as committed, shape (4096,).
    """

    row: NDArray[Any]
    address: NDArray[np.int64]
    length: NDArray[np.int64]
    used: NDArray[np.bool_]


class IagMap:
    """The inode map of the fileset, without the inodes themselves.

    Args:
        volume: the file system.
        superblock: of it.

    Attributes:
        map_inode: the inode of the map itself.
        map_extents: where its pages are: array of `FILE_EXTENT`.
        file: its pages.
        control: its control page, shape (1,), dtype of the dinomap record.
        iag_count: inode allocation groups; inode numbers are below 4096 times this.
        problems: what was wrong on the way to the map.

    Raises:
        CorruptImage: the map cannot be found or makes no sense.
    """

    def __init__(self, volume: Volume, superblock: Superblock) -> None:
        self.volume = volume
        self.problems: list[str] = []
        self._clean = superblock.is_clean
        self._variable = superblock.variable_inode_extents
        self._geometry = superblock.geometry
        self._record = volume.dialect.structures.inode
        self.reload()

    def reload(self) -> None:
        """Find the map anew, and forget what was read of it."""
        self.map_inode = self._find_map_inode()
        self._stamp = int(self.map_inode.row["di_inostamp"][0])
        self.map_extents = read_extents(self.volume, self.map_inode.root, at=self.map_inode.root_at)
        self.file = self._map_file()
        self.control = self._control_page()
        self.iag_count = int(self.control["in_nextiag"][0])
        self._iags = lru_cache(_CACHED_IAGS)(self._read_iag)

    def aggregate_inode(self, number: int, *, second: bool = False) -> Inode:
        """An inode of the aggregate: 1 inode map, 2 block map, 16 the fileset's inode map.

        Args:
            number: its number.
            second: take the second copy.

        Raises:
            CorruptImage: it is not that inode.
        """
        g = self._geometry
        at = (g.ait2 * g.block_size if second else AIT_OFFSET) + number * INODE_SIZE
        row = self._record.table(self.volume.device.read(at, INODE_SIZE))
        named = number + (INODES_PER_EXTENT if second and not g.has_aim2 else 0)
        for field, expected in (("di_number", named), ("di_fileset", AGGREGATE), ("di_nlink", 1)):
            if row[field][0] != expected:
                raise self._corrupt(field, at, expected, row[field][0])
        if stat.S_IFMT(int(row["di_mode"][0])) != stat.S_IFREG:
            raise self._corrupt("di_mode", at, "a regular file", oct(row["di_mode"][0]))
        return Inode(number, at, row)

    def iag(self, k: int) -> Iag:
        """An inode allocation group.

        Raises:
            CorruptImage: it makes no sense.
        """
        return self._iags(k)

    def counts(self) -> tuple[int, int]:
        """Inodes in use, and inodes backed by extents.

        Raises:
            CorruptImage: the counts cannot be.
        """
        backed, unused = int(self.control["in_numinos"][0]), int(self.control["in_numfree"][0])
        most = self.iag_count * INODES_PER_IAG
        if not 0 <= unused <= backed <= most:
            at = self.map_offset(-1) + self.volume.dialect.structures.dinomap.offset_of("in_numfree")
            raise self.volume.corrupt("dinomap", "in_numfree", at, f"0 to {min(backed, most)}", unused)
        return backed - unused, backed

    def map_offset(self, iag: int) -> int:
        """Byte offset in the device of an IAG page; -1 gives the control page."""
        return self.file.place(iag + 1)

    def _find_map_inode(self) -> Inode:
        try:
            return self.aggregate_inode(FILESET)
        except CorruptImage as error:
            try:
                second = self.aggregate_inode(FILESET, second=True)
            except CorruptImage:
                raise error from None
            self.problems.append(f"aggregate inode table: {error.what}; the second copy is used")
            return second

    def _map_file(self) -> MapFile:
        file = MapFile.whole(self.volume, self.map_extents, at=self.map_inode.root_at)
        size, right = self.map_inode.size, file.pages * PAGE
        if size != right or size < 2 * PAGE:
            raise self._corrupt("di_size", self.map_inode.at, f"{right}, the pages of the inode map", size)
        return file

    def _control_page(self) -> NDArray[Any]:
        page = self.file.table(self.volume.dialect.structures.dinomap, 0)
        groups = self.file.pages - 1
        faults = inode_control_faults(self.volume.dialect, self._geometry, page, groups)
        fault = first_fault(f for f in faults if self._clean or f.check != "imap-iag-count")
        if fault is not None:
            raise self.file.corrupt(fault, 0)
        page["in_nextiag"] = groups  # written at unmount only: the file's length is what counts
        return page

    def _read_iag(self, k: int) -> Iag:
        groups = self.groups(k, 1)
        return Iag(groups.table, groups.address[0], groups.length[0], groups.used[0])

    def groups(self, first: int, count: int) -> InodeGroups:
        """Inode allocation groups from their pages.

        Raises:
            CorruptImage: one makes no sense.
        """
        table = self.file.table(self.volume.dialect.structures.iag, first + 1, count)
        groups = InodeGroups(
            self.volume.dialect, self._geometry, table, first=first, blocks=self.volume.blocks, variable=self._variable
        )
        fault = first_fault(groups.faults((*PLACE_CHECKS, *MAP_CHECKS) if self._clean else PLACE_CHECKS))
        if fault is not None:
            raise self.file.corrupt(fault, first + 1)
        return groups

    def _corrupt(self, field: str, at: int, expected: object, found: object) -> CorruptImage:
        return self.volume.corrupt("inode", field, at + self._record.offset_of(field), expected, found)
