"""The data of all files of an inventory, in the order in which it lies on the disk."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...units import KIB, MIB
from ..inventory.arrays import Inventory

RUN = 1 * MIB
"""Bytes of the largest read."""
_WORTH_READING = 64 * KIB
"""A gap between two files that is read over rather than skipped."""


def iter_file_data(inventory: Inventory) -> Iterator[tuple[int, memoryview]]:
    """The data of every regular file, in the order in which it lies in the sources.

    Each file comes whole and in order, holes as zeros, so a caller can hash one file after the other.

    Yields:
        (inode row, chunk): at least one chunk per file, all chunks of a file one after the other. A chunk is valid
        until the next one is asked for.
    """
    files = np.flatnonzero((inventory.inodes["mode"] & 0o170000) == stat.S_IFREG)
    sizes = dict(zip(files.tolist(), inventory.inodes["size"][files].tolist(), strict=True))
    zeros = memoryview(bytes(RUN))
    last, end = -1, 0
    for row, offset, chunk in iter_extent_data(inventory, files):
        if row != last:
            if last >= 0:
                yield from _zeros(last, sizes.pop(last) - end, zeros)
            last, end = row, 0
        yield from _zeros(row, offset - end, zeros)
        yield row, chunk
        end = offset + len(chunk)
    if last >= 0:
        yield from _zeros(last, sizes.pop(last) - end, zeros)
    for row, size in sizes.items():
        yield row, zeros[:0]
        yield from _zeros(row, size, zeros)


def iter_extent_data(inventory: Inventory, files: NDArray[np.int64]) -> Iterator[tuple[int, int, memoryview]]:
    """The data extents of regular files, the files in the order in which their data lies in the sources.

    Args:
        inventory: the tree.
        files: inode rows, ascending; files without data do not appear.

    Yields:
        (inode row, offset in the file, chunk): all chunks of a file one after the other, in ascending offset. A chunk
        is valid until the next one is asked for.
    """
    order = DataOrder.of(inventory, files)
    rows = order.rows.tolist()
    begins, ends, offsets = (column.tolist() for column in order.places())
    for first, last, data in order.runs():
        if data is None:
            for offset, chunk in order.chunks(first):
                yield rows[first], offset, chunk
        else:
            base = begins[first]
            for i in range(first, last):
                yield rows[i], offsets[i], data[begins[i] - base : ends[i] - base]


@dataclass(frozen=True)
class DataOrder:
    """Files with data, in the order in which it lies in the sources.

    Attributes:
        inventory: the tree.
        rows: inode rows, shape (files,).
        first: row of the first extent of each.
        count: how many extents each has, at least one.
    """

    inventory: Inventory
    rows: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, inventory: Inventory, files: NDArray[np.int64]) -> DataOrder:
        """The order of those of some files (inode rows, ascending) that have data."""
        counts = np.bincount(inventory.extents["inode"], minlength=len(inventory.inodes))
        first, count = (np.cumsum(counts) - counts)[files], counts[files]
        files, first, count = (column[count > 0] for column in (files, first, count))
        head = inventory.extents[first]
        order = np.lexsort((head["source_offset"], head["source"]))
        return cls(inventory, files[order], first[order], count[order])

    def part(self, start: int, stop: int) -> DataOrder:
        """Some that stand together."""
        cut = slice(start, stop)
        return DataOrder(self.inventory, self.rows[cut], self.first[cut], self.count[cut])

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of the first extent of each: the bytes of the source where it begins and ends, and its offset in the file."""
        head = self.inventory.extents[self.first]
        begin = head["source_offset"]
        return begin, begin + head["length"], head["offset"]

    def ends(self) -> NDArray[np.int64]:
        """Where, in each file, its data ends."""
        last = self.inventory.extents[self.first + self.count - 1]
        end: NDArray[np.int64] = last["offset"] + last["length"]
        return end

    def runs(self) -> Iterator[tuple[int, int, memoryview | None]]:
        """Read all, neighbours in one source together in large runs.

        Yields:
            (first, last + 1, data): files with one extent each, `data` beginning where that of the first one does; or
            one file and None, to be read in `chunks`. `data` is valid until the next run is asked for.
        """
        head = self.inventory.extents[self.first]
        source, (begin, end, _) = head["source"], self.places()
        short = (self.count == 1) & (head["length"] <= RUN)
        buffer = np.empty(RUN, np.uint8)
        view = memoryview(buffer)
        apart = np.flatnonzero((source[1:] != source[:-1]) | ~short[1:] | ~short[:-1]) + 1
        for start, stop in pairwise((0, *apart.tolist(), len(source))):
            if start < stop and not short[start]:
                yield start, stop, None
                continue
            reached = np.maximum.accumulate(end[start:stop])  # extents of a damaged image may overlap
            gaps = np.flatnonzero(begin[start + 1 : stop] - reached[:-1] > _WORTH_READING) + 1
            limits = np.append(gaps, stop - start)
            at = start
            while at < stop:
                enough = np.searchsorted(reached[at - start :], begin[at] + RUN, "right") + at
                last = int(min(enough, start + limits[np.searchsorted(limits, at - start, "right")]))
                length = int(reached[last - 1 - start] - begin[at])
                self.inventory.sources[source[at]].read_into(int(begin[at]), buffer[:length])
                yield at, last, view[:length]
                at = last

    def chunks(self, which: int) -> Iterator[tuple[int, memoryview]]:
        """Read one file: (offset in it, chunk) in ascending order; a chunk is valid until the next is asked for."""
        buffer = np.empty(RUN, np.uint8)
        first = self.first[which]
        extents = self.inventory.extents[first : first + self.count[which]]
        for _, offset, length, source, source_offset in extents.tolist():
            for at in range(0, length, RUN):
                chunk = buffer[: min(RUN, length - at)]
                self.inventory.sources[source].read_into(source_offset + at, chunk)
                yield offset + at, memoryview(chunk)


def _zeros(row: int, length: int, zeros: memoryview) -> Iterator[tuple[int, memoryview]]:
    for at in range(0, length, RUN):
        yield row, zeros[: min(RUN, length - at)]
