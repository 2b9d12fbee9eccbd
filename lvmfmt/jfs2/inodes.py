"""Reading inodes: the fileset's inode map, single inodes, and the whole table as numpy arrays.

Source: reference sections 2.3 and 2.6, invariants 17 to 33 and 42.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..block import Piece, PieceList
from ..errors import CorruptImage
from .geometry import (
    AIT_OFFSET,
    EXTENT_BYTES,
    INODE_SIZE,
    INODES_PER_EXTENT,
    INODES_PER_IAG,
    MAX_FILE_SIZE,
    PAGE,
)
from .inode_table import AGGREGATE, FILESET
from .superblock import Superblock
from .volume import Volume
from .xtree import ROOT_OFFSET, read_extents

ROOT_DIRECTORY = 2
_IS_TYPE = np.zeros(16, bool)
_IS_TYPE[[1, 2, 4, 6, 8, 10, 12]] = True  # S_IFMT >> 12 of FIFO, devices, directory, file, symlink, socket
_CACHED_IAGS = 64
_JUDGED = ["di_number", "di_fileset", "di_inostamp", "di_nlink", "di_mode", "di_size"]


class Inode(NamedTuple):
    """One disk inode.

    Attributes:
        number: its number.
        at: byte offset in the device.
        row: array of shape (1,), dtype of the inode record; a copy.
    """

    number: int
    at: int
    row: NDArray[Any]

    @property
    def mode(self) -> int:
        """The low 16 bits of `di_mode`: type and permissions."""
        return int(self.row["di_mode"][0]) & 0xFFFF

    @property
    def kind(self) -> int:
        """The file type, as `stat.S_IFMT` gives it."""
        return stat.S_IFMT(self.mode)

    @property
    def size(self) -> int:
        """`di_size` in bytes."""
        return int(self.row["di_size"][0])

    @property
    def root(self) -> NDArray[np.uint8]:
        """The tree root with what else lies there, shape (288,)."""
        root: NDArray[np.uint8] = self.row["root"][0]
        return root

    @property
    def root_at(self) -> int:
        """Byte offset of the tree root in the device."""
        return self.at + ROOT_OFFSET


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


class InodeMap:
    """The inodes of the fileset.

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

    def read(self, number: int) -> Inode:
        """A file's inode.

        Raises:
            CorruptImage: there is no such inode, or it makes no sense.
        """
        found = self._read_one(number)
        if found is None:  # something is wrong with it: this says what
            at, rows = self.read_many(np.array([number], np.int64))
            return Inode(number, int(at[0]), rows)
        return found

    def _read_one(self, number: int) -> Inode | None:
        """An inode in use in which everything is right, or None: a lookup reads one at a time, and often."""
        k, within = divmod(number, INODES_PER_IAG)
        if not 0 <= k < self.iag_count:
            return None
        iag = self.iag(k)
        extent, slot = divmod(within, INODES_PER_EXTENT)
        size = self.volume.block_size
        if slot * INODE_SIZE >= int(iag.length[extent]) * size or (self._clean and not iag.used[within]):
            return None
        at = int(iag.address[extent]) * size + slot * INODE_SIZE
        row = self.volume.device.read(at, INODE_SIZE).view(self._record.dtype)
        number_, fileset, stamp, links, mode, length = row[_JUDGED][0].item()
        right = number_ == number and fileset == FILESET and stamp == self._stamp and 1 <= links < 1 << 31
        return Inode(number, at, row) if right and _IS_TYPE[mode >> 12 & 15] and 0 <= length <= MAX_FILE_SIZE else None

    def read_many(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Byte offsets in the device, and rows (dtype of the inode record), of the inodes called `numbers`.

        Raises:
            CorruptImage: one of them is not an inode in use, or makes no sense.
        """
        at = np.empty(len(numbers), np.int64)
        which = numbers // INODES_PER_IAG
        for k in np.unique(which).tolist():
            chosen = which == k
            at[chosen] = self._locate(k, numbers[chosen])
        rows = self._read_rows(at)
        for field, wrong, expected in self._faults(rows, numbers):
            if wrong.any():
                raise self._fault(field, wrong, expected, at, rows)
        return at, rows

    def _locate(self, k: int, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Byte offsets in the device of inodes of one IAG."""
        volume = self.volume
        if not 0 <= k < self.iag_count:
            limit = self.iag_count * INODES_PER_IAG
            raise volume.corrupt("dtree_leaf_slot", "inumber", None, f"a number below {limit}", numbers[0])
        iag = self.iag(k)
        within = numbers - k * INODES_PER_IAG
        extent, slot = within // INODES_PER_EXTENT, within % INODES_PER_EXTENT
        wrong = slot * INODE_SIZE >= iag.length[extent] * volume.block_size
        if self._clean:
            wrong |= ~iag.used[within]
        if wrong.any():
            first = numbers[np.flatnonzero(wrong)[0]]
            offset = self.map_offset(k) + volume.dialect.structures.iag.offset_of("pmap")
            raise volume.corrupt("iag", "pmap", offset, f"inode {first} in use", "a free one")
        places: NDArray[np.int64] = iag.address[extent] * volume.block_size + slot * INODE_SIZE
        return places

    def tables(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]]:
        """All inodes in use, IAG by IAG.

        Yields:
            Numbers, byte offsets in the device, and rows (dtype of the inode record): three arrays of one length.

        Raises:
            CorruptImage: an inode in use makes no sense. On a file system that is not clean such inodes are left out.
        """
        for k in range(self.iag_count):
            numbers, at = self._used(k)
            if not len(numbers):
                continue
            rows = self._read_rows(at)
            keep = np.ones(len(rows), bool)
            for field, wrong, expected in self._faults(rows, numbers):
                if self._clean and wrong.any():
                    raise self._fault(field, wrong, expected, at, rows)
                keep &= ~wrong
            yield (numbers, at, rows) if keep.all() else (numbers[keep], at[keep], rows[keep])

    def _used(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers and byte offsets of the inodes in use of an IAG; all backed ones where the map is not certain."""
        iag = self.iag(k)
        bits = iag.used.copy() if self._clean else np.ones(INODES_PER_IAG, bool)
        backed = iag.length * self.volume.block_size // INODE_SIZE
        bits &= (np.arange(INODES_PER_EXTENT) < backed[:, None]).ravel()
        if k == 0:
            bits[:ROOT_DIRECTORY] = False  # inodes 0 and 1 are the map's own
        within = np.flatnonzero(bits)
        at = iag.address[within // INODES_PER_EXTENT] * self.volume.block_size
        return k * INODES_PER_IAG + within, at + within % INODES_PER_EXTENT * INODE_SIZE

    def _read_rows(self, at: NDArray[np.int64]) -> NDArray[Any]:
        """Inodes at the given byte offsets, read in runs."""
        order = np.argsort(at, kind="stable")
        places = at[order]
        starts = sorted({0, *(np.flatnonzero(np.diff(places) > EXTENT_BYTES) + 1).tolist(), len(places)})
        raw = np.empty((len(at), INODE_SIZE), np.uint8)
        for a, b in pairwise(starts):
            first, last = int(places[a]), int(places[b - 1])
            if (np.diff(places[a:b]) == INODE_SIZE).all():
                self.volume.device.read_into(first, raw[a:b])
            else:
                run = self.volume.device.read(first, last + INODE_SIZE - first).reshape(-1, INODE_SIZE)
                raw[a:b] = run[(places[a:b] - first) // INODE_SIZE]
        if (at != places).any():
            raw[order] = raw.copy()
        return raw.view(self._record.dtype)[:, 0]

    def _faults(
        self, rows: NDArray[Any], numbers: NDArray[np.int64]
    ) -> Iterator[tuple[str, NDArray[np.bool_], object]]:
        """(field, which rows are wrong, what was expected) of inodes that should be files in use."""
        yield "di_number", rows["di_number"] != numbers, numbers
        yield "di_fileset", rows["di_fileset"] != FILESET, FILESET
        yield "di_inostamp", rows["di_inostamp"] != self._stamp, f"{self._stamp:#x}, as in the inode map"
        links = rows["di_nlink"].astype(np.int64)
        yield "di_nlink", (links < 1) | (links >= 1 << 31), "at least 1"
        yield "di_mode", ~_IS_TYPE[rows["di_mode"] >> 12 & 15], "a file type"
        yield "di_size", (rows["di_size"] < 0) | (rows["di_size"] > MAX_FILE_SIZE), f"0 to {MAX_FILE_SIZE}"

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

    def _fault(
        self,
        field: str,
        wrong: NDArray[np.bool_],
        expected: object,
        at: NDArray[np.int64],
        rows: NDArray[Any],
    ) -> CorruptImage:
        first = int(np.flatnonzero(wrong)[0])
        if isinstance(expected, np.ndarray):
            expected = expected[first]
        return self._corrupt(field, int(at[first]), expected, rows[field][first])

    def _corrupt(self, field: str, at: int, expected: object, found: object) -> CorruptImage:
        return self.volume.corrupt("inode", field, at + self._record.offset_of(field), expected, found)


def _bits(words: NDArray[Any]) -> NDArray[np.bool_]:
    """Map words, bit 0 the most significant, as one bool per bit."""
    return np.unpackbits(words.astype(">u4").view(np.uint8)).view(np.bool_)
