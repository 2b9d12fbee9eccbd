"""The copy plan: a table of extents, sorted and joined, that the engine carries out.

What has many sources becomes a plan: a new mirror copy, the files of a tree on their way into a file system.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import Checked
from ..errors import OperationRefused
from .copying.engine import WORKERS, Engine
from .copying.mover import Mover, is_files
from .copying.runs import Progress, Run, Source, tasks
from .device import BlockDevice

_ROWS = 1 << 14
"""Rows of a plan that are taken apart at a time."""

PLAN_ROW = np.dtype(
    [("source", "<u4"), ("source_offset", "<i8"), ("target_offset", "<i8"), ("length", "<i8")]
)  # fmt: skip
"""dtype of a plan's rows: index of the source, and byte offsets and length."""


@dataclass(frozen=True)
class CopyReport:
    """What a plan did.

    Attributes:
        bytes_copied: of all rows.
        ways: bytes moved in each way, by its name.
        fallbacks: what the system could not do, and what was done in its place.
    """

    bytes_copied: int
    ways: dict[str, int]
    fallbacks: list[str]


class CopyPlan(Checked):
    """Extents to copy onto one target, sorted by target offset.

    Args:
        sources: what rows refer to by index.
        rows: array of `PLAN_ROW`, any order, targets not overlapping.
        align: a power of two; the target bytes from the end of a row to the next multiple of it belong to the
            row and become zeros (the tail of a file's last block). 1 leaves everything else alone.
    """

    def __init__(self, sources: Sequence[Source], rows: NDArray[Any], *, align: int = 1) -> None:
        if rows.dtype != PLAN_ROW:
            raise OperationRefused(f"rows of a plan are of PLAN_ROW, not {rows.dtype}")
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
            IncompleteCopy: a source or the target failed; what was written until then stays.
        """
        target.check_writable()
        if len(self.rows):
            last = self.rows[-1]
            target.check_range(int(self.rows[0]["target_offset"]), 0)
            target.check_range(int(last["target_offset"]), int(last["length"]))
        # what is not a file may want its reads in order, and in one thread
        parallel = self.align == 1 and is_files(target) and all(map(is_files, self.sources))
        engine = Engine([Mover(target, align=self.align) for _ in range(WORKERS if parallel else 1)], progress)
        engine.run(tasks(self._runs()))
        return CopyReport(self.total, engine.ways, engine.fallbacks)

    def _runs(self) -> Iterator[Run]:
        for first in range(0, len(self.rows), _ROWS):
            for source, source_offset, target_offset, length in self.rows[first : first + _ROWS].tolist():
                yield Run(self.sources[source], source_offset, target_offset, length)


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
