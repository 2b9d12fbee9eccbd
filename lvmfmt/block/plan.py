"""The copy plan: a sorted, coalesced list of extents, carried out by one executor.

Everything that moves in bulk becomes a plan: a clone of a disk, a new mirror copy, the files of a tree on their
way into a file system. The executor reads into large aligned-to-block buffers and writes them while it
reads the next one, so each byte is touched once and target writes are sequential.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..units import MIB, align_up
from .device import BlockDevice, Buffer

CHUNK = 8 * MIB
"""Bytes of one staging buffer, and so of the largest write."""

_ROWS = 1 << 14
"""Rows of a plan that are taken apart at a time."""

PLAN_ROW = np.dtype(
    [("source", "<u4"), ("source_offset", "<i8"), ("target_offset", "<i8"), ("length", "<i8")]
)  # fmt: skip
"""dtype of a plan's rows: index of the source, and byte offsets and length."""

Progress = Callable[[int], None]
"""Told how many more bytes are done."""


class Source(Protocol):
    """Anything that bytes can be read from: every `BlockDevice` is one, a host's file another."""

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` with the bytes at `offset`."""


@dataclass(frozen=True)
class CopyReport:
    """What a plan did."""

    bytes_copied: int
    reads: int
    writes: int


class CopyPlan:
    """Extents to copy onto one target, sorted by target offset.

    Args:
        sources: what rows refer to by index.
        rows: array of `PLAN_ROW`, any order, targets not overlapping.
        align: a power of two; the target bytes from the end of a row to the next multiple of it belong to the
            row and become zeros (the tail of a file's last block). 1 leaves everything else alone.
    """

    def __init__(self, sources: Sequence[Source], rows: NDArray[Any], *, align: int = 1) -> None:
        rows = rows[rows["length"] > 0]
        self.sources = sources
        self.align = align
        self.rows = _coalesce(rows[np.argsort(rows["target_offset"], kind="stable")], align)

    @classmethod
    def of(cls, source: Source, extents: Sequence[tuple[int, int, int]], *, align: int = 1) -> CopyPlan:
        """A plan from one source: (source offset, target offset, length) in bytes."""
        rows = np.zeros(len(extents), PLAN_ROW)
        if extents:
            columns = np.array(extents, np.int64).T
            rows["source_offset"], rows["target_offset"], rows["length"] = columns
        return cls([source], rows, align=align)

    @property
    def total(self) -> int:
        """Bytes that will be copied."""
        return int(self.rows["length"].sum())

    def execute(self, target: BlockDevice, *, progress: Progress | None = None) -> CopyReport:
        """Carry the plan out; the target is not flushed.

        Raises:
            ImageIOError: a source or the target failed; what was written until then stays.
        """
        target.check_writable()
        if len(self.rows):
            last = self.rows[-1]
            target.check_range(int(self.rows[0]["target_offset"]), 0)
            target.check_range(int(last["target_offset"]), int(last["length"]))
        reads = writes = 0
        pending: Future[None] | None = None
        buffers = [np.empty(CHUNK, np.uint8) for _ in range(2)]
        with ThreadPoolExecutor(1, thread_name_prefix="copy-writer") as writer:
            try:
                for batch in self._batches():
                    buffer = buffers[writes % 2]
                    start = batch[0][2]
                    filled = 0
                    for source, source_offset, target_offset, length in batch:
                        at = target_offset - start
                        if at > filled:  # the tail of the row before, inside its last aligned unit
                            buffer[filled:at] = 0
                        self.sources[source].read_into(source_offset, buffer[at : at + length])
                        filled = at + length
                        reads += 1
                    end = min(align_up(start + filled, self.align), target.size) - start
                    buffer[filled:end] = 0
                    if pending is not None:
                        pending.result()
                    pending = writer.submit(target.write, start, memoryview(buffer)[:end])
                    writes += 1
                    if progress is not None:
                        progress(filled)
            finally:
                if pending is not None:
                    pending.result()
        return CopyReport(self.total, reads, writes)

    def _batches(self) -> Iterator[list[tuple[int, int, int, int]]]:
        """Rows grouped into writes: each group is contiguous on the target and fits a staging buffer."""
        batch: list[tuple[int, int, int, int]] = []
        end = limit = 0
        for first in range(0, len(self.rows), _ROWS):
            for source, source_offset, target_offset, length in self.rows[first : first + _ROWS].tolist():
                while length:
                    if not batch or target_offset != end or target_offset >= limit:
                        if batch:
                            yield batch
                        batch = []
                        # on a boundary, so that no batch needs zeros beyond the buffer
                        limit = (target_offset + CHUNK) // self.align * self.align
                    part = min(length, limit - target_offset)
                    batch.append((source, source_offset, target_offset, part))
                    source_offset += part
                    target_offset += part
                    length -= part
                    end = target_offset if length else align_up(target_offset, self.align)
        if batch:
            yield batch


def _coalesce(rows: NDArray[Any], align: int) -> NDArray[Any]:
    """Join rows that continue each other in source and target.

    With `align` > 1 two rows of one source may also be a tail apart (a gap smaller than `align`, the same on
    both sides): they are not joined, since the gap must become zeros; the executor still writes them together.
    """
    if len(rows) < 2:
        return rows
    source_step = rows["source_offset"][1:] - rows["source_offset"][:-1]
    target_step = rows["target_offset"][1:] - rows["target_offset"][:-1]
    length = rows["length"][:-1]
    joined = (
        (rows["source"][1:] == rows["source"][:-1])
        & (source_step == target_step)
        & (target_step == length)
        & (length % align == 0)
    )
    first = np.flatnonzero(np.concatenate(([True], ~joined)))
    result = rows[first].copy()
    result["length"] = np.add.reduceat(rows["length"], first)
    return result
