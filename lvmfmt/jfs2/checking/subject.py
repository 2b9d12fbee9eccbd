"""`Subject`: the file system under check, and where its findings go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...layout.record import Record
from ..dialect import Dialect
from ..geometry import Geometry
from ..nodes.page_faults import PageFaults
from ..superblock import Superblock
from ..volume import Volume
from .findings import Report
from .ownership import Owners

Progress = Callable[[int, int, int], None]
"""Told the phase (1 to 5), how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Subject:
    """A file system under check.

    Attributes:
        volume: its blocks.
        superblock: the copy that made sense.
        report: receives findings.
        owners: receives every block that something points to.
    """

    volume: Volume
    superblock: Superblock
    report: Report
    owners: Owners

    @classmethod
    def of(cls, device: BlockDevice, superblock: Superblock, report: Report) -> Subject:
        """The file system on `device` that the superblock describes."""
        return cls(superblock.volume(device), superblock, report, Owners(report, superblock.geometry.block_size))

    @property
    def device(self) -> BlockDevice:
        """Where it lies."""
        return self.volume.device

    @property
    def dialect(self) -> Dialect:
        """AIX or Linux."""
        return self.volume.dialect

    @property
    def geometry(self) -> Geometry:
        """Places and sizes that follow from the superblock."""
        return self.superblock.geometry

    def find(
        self, name: str, record: Record, field: str, at: int | None, text: str, *, warning: bool | None = None
    ) -> None:
        """A finding about a field (such as `di_size` or `inoext[3]`) of a structure at byte `at` of the device."""
        offset = None if at is None else at + record.offset_of(field.partition("[")[0]) if field else at
        self.report.add(name, record.name, field, offset, text, warning=warning)

    def find_rows(
        self,
        name: str,
        record: Record,
        field: str,
        wrong: Any,
        at: NDArray[np.int64],
        text: Callable[[int], str],
        *,
        warning: bool | None = None,
    ) -> None:
        """A finding for each of the structures at bytes `at`, shape (rows,), where `wrong` is True."""
        if wrong.any():
            shift = record.offset_of(field) if field else 0
            self.report.add_rows(
                name, record.name, field, wrong, lambda row: int(at[row]) + shift, text, warning=warning
            )

    def find_faults(self, faults: Iterable[PageFaults], at: NDArray[np.int64], title: str = "") -> None:
        """Findings of pages of a map at bytes `at`, shape (pages,), each text after a title."""
        for each in faults:
            self._find_rows_of(each, at + each.shift, title)

    def _find_rows_of(self, faults: PageFaults, offsets: NDArray[np.int64], title: str) -> None:
        self.report.add_rows(
            faults.check, faults.record.name, faults.field, faults.wrong, lambda row: int(offsets[row]),
            lambda row: title + faults.words(row), warning=faults.warning or None,
        )  # fmt: skip

    def pxd(self, row: NDArray[Any]) -> tuple[int, int]:
        """(address, length) in blocks of one `pxd`."""
        length, address = self.dialect.get_pxd(row)
        return int(address), int(length)

    def inside(self, address: int, length: int) -> bool:
        """Whether an extent has blocks and lies inside the file system."""
        return address > 0 and length > 0 and address + length <= self.volume.blocks


def log2_or_minus1(value: int) -> int:
    """log2 of a power of two, -1 for any other number."""
    return value.bit_length() - 1 if value > 0 and not value & (value - 1) else -1
