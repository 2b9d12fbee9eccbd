"""File data as bytes: a file as a block device, and all files of an inventory in the order of the disk."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..block import BlockDevice, Buffer, Extent, Piece, PieceList
from ..block.device import byte_view
from ..errors import OperationRefused
from ..units import KIB, MIB
from .volume import Volume
from .xtree import NEVER_WRITTEN

if TYPE_CHECKING:
    from .inventory import Inventory

RUN = 1 * MIB
"""Bytes of the largest read."""
_WORTH_READING = 64 * KIB
"""A gap between two files that is read over rather than skipped."""


class Zeros(BlockDevice):
    """What holes and extents that were never written read as."""

    def __init__(self, size: int, name: str) -> None:
        self.name = name
        self.size = size
        self.writable = False

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` with zeros."""
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        np.frombuffer(view, np.uint8)[:] = 0

    def write(self, offset: int, buffer: Buffer) -> None:
        """Refused: there is no space behind a hole."""
        raise OperationRefused("a hole cannot be written to", where=self.name)

    def punch(self, offset: int, length: int) -> None:
        """Refused: there is no space behind a hole."""
        raise OperationRefused("a hole cannot be punched", where=self.name)

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """One hole."""
        yield Extent(offset, self.size - offset if length is None else length, False)

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to give back."""


def file_device(volume: Volume, extents: NDArray[Any], size: int, name: str) -> PieceList:
    """A read-only view of a file's bytes.

    Args:
        volume: the file system.
        extents: array of `FILE_EXTENT`, ascending and not overlapping.
        size: bytes of the file; extents beyond are not seen.
        name: what to call it in messages.
    """
    block = volume.block_size
    zeros = Zeros(size, name)
    pieces = []
    end = 0
    for offset, length, address, flag in extents.tolist():
        start = min(offset * block, size)
        stop = min(start + length * block, size)
        pieces.append(Piece(zeros, end, start - end))
        pieces.append(
            Piece(zeros, start, stop - start)
            if flag & NEVER_WRITTEN
            else Piece(volume.device, address * block, stop - start)
        )
        end = stop
    pieces.append(Piece(zeros, end, size - end))
    return PieceList(pieces, name=name, writable=False)


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

    Files whose data is one extent are read together in large runs.

    Args:
        inventory: the tree.
        files: inode rows, ascending; files without data do not appear.

    Yields:
        (inode row, offset in the file, chunk): all chunks of a file one after the other, in ascending offset. A chunk
        is valid until the next one is asked for.
    """
    extents = inventory.extents
    first = np.searchsorted(extents["inode"], files)
    count = np.searchsorted(extents["inode"], files, "right") - first
    files, first, count = (a[count > 0] for a in (files, first, count))
    head = extents[first]
    order = np.lexsort((head["source_offset"], head["source"]))
    together = ((count == 1) & (head["length"] <= RUN))[order].tolist()
    rows, firsts, counts = files[order].tolist(), first[order].tolist(), count[order].tolist()
    source, at = head["source"][order].tolist(), head["source_offset"][order].tolist()
    start_in_file, sizes = head["offset"][order].tolist(), head["length"][order].tolist()
    buffer = np.empty(RUN, np.uint8)
    view = memoryview(buffer)
    i = 0
    while i < len(rows):
        if not together[i]:
            yield from _one_file(inventory, rows[i], firsts[i], counts[i], buffer)
            i += 1
            continue
        start, end, j = at[i], at[i] + sizes[i], i + 1
        while (
            j < len(rows)
            and together[j]
            and source[j] == source[i]
            and at[j] <= end + _WORTH_READING
            and at[j] + sizes[j] - start <= RUN
        ):
            end = max(end, at[j] + sizes[j])
            j += 1
        inventory.sources[source[i]].read_into(start, buffer[: end - start])
        for k in range(i, j):
            yield rows[k], start_in_file[k], view[at[k] - start : at[k] - start + sizes[k]]
        i = j


def _one_file(
    inventory: Inventory, row: int, first: int, count: int, buffer: NDArray[np.uint8]
) -> Iterator[tuple[int, int, memoryview]]:
    """Chunks of one file from its extents."""
    for _, offset, length, source, source_offset in inventory.extents[first : first + count].tolist():
        for at in range(0, length, RUN):
            chunk = buffer[: min(RUN, length - at)]
            inventory.sources[source].read_into(source_offset + at, chunk)
            yield row, offset + at, memoryview(chunk)


def _zeros(row: int, length: int, zeros: memoryview) -> Iterator[tuple[int, memoryview]]:
    for at in range(0, length, RUN):
        yield row, zeros[: min(RUN, length - at)]
