"""`MapFile`: a map of the aggregate as one run of pages, wherever its extents are."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Bytes
from ...errors import CorruptImage
from ...layout.record import Record
from ..geometry import PAGE
from ..nodes.extent_node import FILE_EXTENT
from ..nodes.fault import Fault
from ..volume import Volume


class MapFile:
    """The pages of an inode map or of the block map.

    Args:
        volume: the file system.
        extents: where the file lies: array of `FILE_EXTENT`, inside the file system.

    Attributes:
        volume: as given.
        pages: how many there are, at most as many as the file system has room for.
    """

    def __init__(self, volume: Volume, extents: NDArray[Any]) -> None:
        self.volume = volume
        self._extents = extents[np.argsort(extents["offset"], kind="stable")]
        self._offsets: list[int] = self._extents["offset"].tolist()
        ends = extents["offset"] + extents["length"]
        self.pages = min(int(ends.max(initial=0)), volume.blocks) // volume.blocks_per_page

    @classmethod
    def of_pieces(cls, volume: Volume, pieces: list[tuple[int, int]]) -> MapFile:
        """A map in pieces (first block, length), one after the other."""
        rows, end = np.zeros(len(pieces), FILE_EXTENT), 0
        for row, (address, length) in zip(rows, pieces, strict=True):
            row["offset"], row["length"], row["address"] = end, length, address
            end += length
        return cls(volume, rows)

    @classmethod
    def whole(cls, volume: Volume, extents: NDArray[Any], *, at: int) -> MapFile:
        """A map without a gap.

        Args:
            volume: the file system.
            extents: array of `FILE_EXTENT`, ascending by offset.
            at: byte offset of the root of their tree in the device, for messages.

        Raises:
            CorruptImage: a page is missing, or lies in two extents.
        """
        ends = extents["offset"] + extents["length"]
        expected = np.concatenate(([0], ends))[: len(extents)]
        wrong = (extents["offset"] != expected) | (ends % volume.blocks_per_page != 0)
        if wrong.any():
            row = int(wrong.argmax())
            raise volume.corrupt("xad", "off_lo", at, expected[row], extents["offset"][row])
        return cls(volume, extents)

    def places(self, first: int, count: int) -> NDArray[np.int64]:
        """Byte offsets in the device of the pages `first` and on, shape (count,); -1 for pages that are not there."""
        bpp, e = self.volume.blocks_per_page, self._extents
        places = np.full(count, -1, np.int64)
        if not len(e):
            return places
        block = (first + np.arange(count)) * bpp
        row = np.maximum(np.searchsorted(e["offset"], block, "right") - 1, 0)
        within = block - e["offset"][row]
        there = (within >= 0) & (within + bpp <= e["length"][row])
        places[there] = ((e["address"][row] + within) * self.volume.block_size)[there]
        return places

    def place(self, page: int) -> int:
        """Byte offset in the device of one page, -1 for one that is not there."""
        block, bpp = page * self.volume.blocks_per_page, self.volume.blocks_per_page
        row = bisect_right(self._offsets, block) - 1
        if row < 0 or block + bpp > self._offsets[row] + int(self._extents["length"][row]):
            return -1
        return (int(self._extents["address"][row]) + block - self._offsets[row]) * self.volume.block_size

    def read(self, first: int, count: int) -> Bytes:
        """Pages `first` and on, shape (count, 4096), zeros for those that are not there."""
        data: Bytes = np.empty((count, PAGE), np.uint8)
        for a, b, at in self._runs(first, count):
            if at < 0:
                data[a:b] = 0
            else:
                self.volume.device.read_into(at, data[a:b])
        return data

    def table(self, record: Record, first: int, count: int = 1) -> NDArray[Any]:
        """The same as structures of one page each, shape (count,), dtype of the record."""
        return self.read(first, count).view(record.dtype)[:, 0]

    def write(self, first: int, pages: NDArray[Any]) -> None:
        """Write pages `first` and on: an array of structures of one page each, or of pages of bytes."""
        raw = np.ascontiguousarray(pages).view(np.uint8).reshape(-1, PAGE)
        for a, b, at in self._runs(first, len(raw)):
            if at < 0:
                raise self.volume.corrupt("inode", "di_size", None, f"page {first + a} of a map", "none")
            self.volume.device.write(at, raw[a:b])

    def write_changed(self, first: int, old: NDArray[Any], new: NDArray[Any]) -> int:
        """Write those pages of `new` that differ from `old`, both from page `first` on; how many there are."""
        a, b = (np.ascontiguousarray(table).view(np.uint8).reshape(-1, PAGE) for table in (old, new))
        differ = (a != b).any(axis=1)
        edges = np.flatnonzero(np.diff(differ, prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            self.write(first + start, b[start:end])
        return int(differ.sum())

    def corrupt(self, fault: Fault, first: int) -> CorruptImage:
        """The error for a fault of one of the pages `first` and on, named by its `entry`."""
        return self.volume.refuse(fault, max(self.place(first + (fault.entry or 0)), 0))

    def _runs(self, first: int, count: int) -> list[tuple[int, int, int]]:
        """(first, end, byte offset) of pages that follow each other on the device; -1 where there are none."""
        if count == 1:
            return [(0, 1, self.place(first))]
        places = self.places(first, count)
        breaks = np.flatnonzero((np.diff(places) != PAGE) | (places[1:] < 0)) + 1
        edges = [0, *breaks.tolist(), count]
        return [(a, b, int(places[a])) for a, b in pairwise(edges) if b > a]
