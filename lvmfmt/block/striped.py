"""A striped device: strips taken in turn from columns, by arithmetic alone.

Strip u lies in column u mod width, at strip u div width of that column. No table of strips exists, so a device of any
size costs nothing to make.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import OperationRefused
from .device import BlockDevice, Buffer, Extent, byte_view


class StripRun(NamedTuple):
    """Whole rows of strips, or a part of one strip.

    Attributes:
        here: byte offset in the device.
        length: bytes.
        column: that a part lies in; 0 for whole rows.
        below: byte offset in the column, or in all columns for whole rows.
        rows: whole rows; 0 for a part of a strip.
    """

    here: int
    length: int
    column: int
    below: int
    rows: int


class Striped(BlockDevice):
    """See the module. Closing it leaves the columns open.

    Args:
        columns: devices of one size, a multiple of `strip`.
        strip: bytes of a strip.
        name: what to call the device in messages.

    Raises:
        OperationRefused: the columns differ in size, or are not made of whole strips.
    """

    def __init__(self, columns: Sequence[BlockDevice], *, strip: int, name: str) -> None:
        if not columns or strip < 1 or len({c.size for c in columns}) != 1 or columns[0].size % strip:
            raise OperationRefused(f"{len(columns)} columns are not all of the same {strip}-byte strips", where=name)
        self.columns = tuple(columns)
        self.strip = strip
        self.name = name
        self.size = len(columns) * columns[0].size
        self.writable = all(column.writable for column in columns)

    def runs(self, offset: int, length: int) -> Iterator[StripRun]:
        """The parts of a range in order; whole rows are kept together."""
        self.check_range(offset, length)
        width, strip = len(self.columns), self.strip
        end = offset + length
        while offset < end:
            unit, inside = divmod(offset, strip)
            row, column = divmod(unit, width)
            rows = (end - offset) // (width * strip) if not column and not inside else 0
            part = rows * width * strip or min(strip - inside, end - offset)
            yield StripRun(offset, part, column, row * strip + inside, rows)
            offset += part

    def places(self, offset: int, length: int) -> Iterator[tuple[BlockDevice, int, int]]:
        """See `BlockDevice.places`; strip by strip."""
        self.check_range(offset, length)
        width, end = len(self.columns), offset + length
        while offset < end:
            unit, inside = divmod(offset, self.strip)
            part = min(self.strip - inside, end - offset)
            yield from self.columns[unit % width].places(unit // width * self.strip + inside, part)
            offset += part

    def leaves(self) -> Iterable[BlockDevice]:
        """See `BlockDevice.leaves`."""
        return [leaf for column in self.columns for leaf in column.leaves()]

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`; whole rows are read column by column."""
        view = byte_view(buffer, fill=True)
        for run in self.runs(offset, len(view)):
            out = view[run.here - offset : run.here - offset + run.length]
            if not run.rows:
                self.columns[run.column].read_into(run.below, out)
                continue
            table = np.frombuffer(out, np.uint8).reshape(run.rows, len(self.columns), self.strip)
            for index, column in enumerate(self.columns):
                part = column.read(run.below, run.rows * self.strip)
                table[:, index] = part.reshape(run.rows, self.strip)

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`; whole rows are written column by column."""
        self.check_writable()
        view = byte_view(buffer)
        for run in self.runs(offset, len(view)):
            part = view[run.here - offset : run.here - offset + run.length]
            if not run.rows:
                self.columns[run.column].write(run.below, part)
                continue
            table = np.frombuffer(part, np.uint8).reshape(run.rows, len(self.columns), self.strip)
            for index, column in enumerate(self.columns):
                column.write(run.below, np.ascontiguousarray(table[:, index]).reshape(-1))

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Data and holes; of whole rows one is data if any of its strips has some."""
        at, is_data = offset, False
        for extent in self._extents(offset, self.length_of(offset, length)):
            if extent.length and extent.is_data != is_data:
                if extent.offset > at:
                    yield Extent(at, extent.offset - at, is_data)
                at, is_data = extent.offset, extent.is_data
        end = self.size if length is None else offset + length
        if end > at:
            yield Extent(at, end - at, is_data)

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`; one range of each column for whole rows."""
        self.check_writable()
        for run in self.runs(offset, length):
            for column in self.columns if run.rows else (self.columns[run.column],):
                column.punch(run.below, run.rows * self.strip or run.length)

    def flush(self) -> None:
        """Flush every column."""
        for column in self.columns:
            column.flush()

    def close(self) -> None:
        """Nothing to give back: the columns belong to who made the device."""

    def _extents(self, offset: int, length: int) -> Iterator[Extent]:
        row = len(self.columns) * self.strip
        for run in self.runs(offset, length):
            if not run.rows:
                for extent in self.columns[run.column].extents(run.below, run.length):
                    yield Extent(run.here + extent.offset - run.below, extent.length, extent.is_data)
                continue
            at = 0
            for first, end in heapq.merge(*(self._rows_with_data(column, run) for column in self.columns)):
                if first > at:
                    yield Extent(run.here + at * row, (first - at) * row, False)
                if end > at:
                    start = max(first, at)
                    yield Extent(run.here + start * row, (end - start) * row, True)
                    at = end
            yield Extent(run.here + at * row, (run.rows - at) * row, False)

    def _rows_with_data(self, column: BlockDevice, run: StripRun) -> Iterator[tuple[int, int]]:
        """Ranges of rows in which a column has data, ascending; neighbours may overlap in a row."""
        for extent in column.extents(run.below, run.rows * self.strip):
            if extent.is_data:
                start = extent.offset - run.below
                yield start // self.strip, -(-(start + extent.length) // self.strip)
