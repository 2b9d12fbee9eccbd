"""The inode map: its inode, its control page, and the inode allocation groups.

Source: reference sections 2.3 and 2.6, invariants 17 to 33.
"""

from __future__ import annotations

import stat
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...block import Piece, PieceList
from ...errors import CorruptImage
from ..geometry import (
    AIT_OFFSET,
    EXTENT_BYTES,
    INODE_SIZE,
    INODES_PER_EXTENT,
    INODES_PER_IAG,
    PAGE,
)
from ..inodes.inode import Inode
from ..inodes.inode_table import AGGREGATE, FILESET
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
        self._vix = superblock.variable_inode_extents
        self._geometry = superblock.geometry
        self._record = volume.dialect.structures.inode
        self.reload()

    def reload(self) -> None:
        """Find the map anew, and forget what was read of it."""
        self.map_inode = self._find_map_inode()
        self._stamp = int(self.map_inode.row["di_inostamp"][0])
        self.map_extents = read_extents(self.volume, self.map_inode.root, at=self.map_inode.root_at)
        self._map = self._map_device()
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
        return next(at for _, at, _, _ in self._map.map((iag + 1) * PAGE, PAGE))

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

    def _map_device(self) -> PieceList:
        """The pages of the map, one after the other."""
        size, at = self.map_inode.size, self.map_inode.at
        pieces, end = [], 0
        block = self.volume.block_size
        for offset, length, address, _ in self.map_extents.tolist():
            if offset != end:
                raise self.volume.corrupt("xad", "off_lo", self.map_inode.root_at, end, offset)
            pieces.append(Piece(self.volume.device, address * block, length * block))
            end += length
        if size != end * block or size < 2 * PAGE or size % PAGE:
            raise self._corrupt("di_size", at, f"{end * block}, the pages of the inode map", size)
        return PieceList(pieces, name=self.volume.where)

    def _control_page(self) -> NDArray[Any]:
        page = self.volume.dialect.structures.dinomap.table(self._map.read(0, PAGE))
        at = self.map_offset(-1)
        iags = self._map.size // PAGE - 1
        for field, expected in (
            ("in_nextiag", iags),
            ("in_nbperiext", self._geometry.blocks_per_extent),
            ("in_l2nbperiext", self._geometry.blocks_per_extent.bit_length() - 1),
        ):
            if page[field][0] != expected and (self._clean or field != "in_nextiag"):
                offset = at + self.volume.dialect.structures.dinomap.offset_of(field)
                raise self.volume.corrupt("dinomap", field, offset, expected, page[field][0])
        page = page.copy()
        page["in_nextiag"] = iags  # written at unmount only: the file's length is what counts
        return page

    def _read_iag(self, k: int) -> Iag:
        record = self.volume.dialect.structures.iag
        iag = record.table(self._map.read((k + 1) * PAGE, PAGE))
        at = self.map_offset(k)

        def corrupt(field: str, expected: object, found: object) -> CorruptImage:
            return self.volume.corrupt("iag", field, at + record.offset_of(field), expected, found)

        if iag["iagnum"][0] != k:
            raise corrupt("iagnum", k, iag["iagnum"][0])
        length, address = self.volume.dialect.get_pxd(iag["inoext"][0])
        words = iag["pmap"][0]
        present = (length != 0) | (address != 0)
        size = length * self.volume.block_size
        shape = (size == EXTENT_BYTES) | (self._vix & (size > 0) & (size < EXTENT_BYTES) & (size % PAGE == 0))
        wrong = present & (self.volume.bad_extents(address, length) | ~shape)
        if wrong.any():
            e = int(np.flatnonzero(wrong)[0])
            raise corrupt("inoext", f"extent {e} inside the file system", f"{length[e]}@{address[e]}")
        if self._clean:
            if (_bits(iag["extsmap"][0]) != present).any():
                raise corrupt("extsmap", "the extents of inoext", "others")
            if (words[~present] != 0).any():
                raise corrupt("pmap", "no inode in use without an extent", "some")
            if (words != iag["wmap"][0]).any():
                raise corrupt("wmap", "the same as pmap", "another map")
        return Iag(iag, address, length, _bits(words))

    def _corrupt(self, field: str, at: int, expected: object, found: object) -> CorruptImage:
        return self.volume.corrupt("inode", field, at + self._record.offset_of(field), expected, found)


def _bits(words: NDArray[Any]) -> NDArray[np.bool_]:
    """Map words, bit 0 the most significant, as one bool per bit."""
    return np.unpackbits(words.astype(">u4").view(np.uint8)).view(np.bool_)
