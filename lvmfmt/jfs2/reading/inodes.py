"""Reading inodes: the fileset's inode map, single inodes, and the whole table as numpy arrays.

Source: [jfs2 2.3, 2.6, invariants 17 to 33, 42].
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ..geometry import (
    EXTENT_BYTES,
    INODE_SIZE,
    INODES_PER_EXTENT,
    INODES_PER_IAG,
    MAX_FILE_SIZE,
)
from ..inodes.inode import Inode
from ..inodes.inode_table import FILESET
from .iags import IagMap

ROOT_DIRECTORY = 2
_IS_TYPE = np.zeros(16, bool)
_IS_TYPE[[1, 2, 4, 6, 8, 10, 12]] = True  # S_IFMT >> 12 of FIFO, devices, directory, file, symlink, socket
_JUDGED = ["di_number", "di_fileset", "di_inostamp", "di_nlink", "di_mode", "di_size"]


class InodeMap(IagMap):
    """The inodes of the fileset, and their map."""

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

    def tables(
        self, problems: list[str] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]]:
        """All inodes in use, IAG by IAG.

        Args:
            problems: receives what is wrong with inodes that make no sense, which are left out; without it they are
                errors.

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
                    fault = self._fault(field, wrong, expected, at, rows)
                    if problems is None:
                        raise fault
                    problems += [f"inode {numbers[i]}: {field} makes no sense" for i in np.flatnonzero(wrong & keep)]
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
