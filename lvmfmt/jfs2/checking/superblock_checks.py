"""Checks 1 to 12 and 88: both superblocks.

The primary superblock is judged field by field even where the secondary one had to be used to go on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...block import BlockDevice
from ...layout.record import Record
from ...units import SECTOR, ceil_div
from ..dialect import Dialect
from ..geometry import (
    AIT_OFFSET,
    BLOCKS_PER_DMAP,
    EXTENT_BYTES,
    FSCK_LOG_PAGES,
    PAGE,
    SUPERBLOCK2_OFFSET,
    SUPERBLOCK_OFFSET,
)
from ..superblock import CLEAN, CLEAN_QUIESCED, GROUP_COMMIT, INLINE_LOG, describe_state
from ..superblock.snapshots import FEATURE_SNAPSHOT, GENERATIONS, is_ring
from .findings import Report
from .subject import log2_or_minus1

MAY_DIFFER = ("s_state", "s_logdev", "s_logserial", "s_time", "s_fscklog", "s_loguuid")
"""Fields that a mount, a change or fsck writes into the primary superblock only."""
_MOST_GROUPS = 128


def check_superblocks(device: BlockDevice, dialect: Dialect, report: Report) -> None:
    """Judge the primary superblock, and compare the secondary one with it."""
    _Superblock(device, dialect, report).check()


class _Superblock:
    def __init__(self, device: BlockDevice, dialect: Dialect, report: Report) -> None:
        self.device = device
        self.dialect, self.form = dialect, dialect.superblock_form
        self.report = report
        self.record: Record = dialect.structures.superblock
        self.raw = device.read(SUPERBLOCK_OFFSET, self.record.size)
        self.row = self.record.table(self.raw)

    def value(self, field: str) -> int:
        return int(self.row[field][0])

    def pxd(self, field: str) -> tuple[int, int]:
        length, address = self.dialect.get_pxd(self.row[field][0])
        return int(address), int(length)

    def rule(self, name: str, field: str, right: bool, expected: object, found: object = None) -> None:
        if not right:
            found = self.value(field) if found is None else found
            offset = SUPERBLOCK_OFFSET + self.record.offset_of(field)
            self.report.add(name, self.record.name, field, offset, f"{field} is {found}, expected {expected}")

    def place(self, name: str, field: str, right: bool, expected: str) -> None:
        address, length = self.pxd(field)
        self.rule(name, field, right, expected, f"{length}@{address}")

    def check(self) -> None:
        magic = self.raw[:4].tobytes()
        self.rule("superblock-identity", "s_magic", magic == self.dialect.magic, self.dialect.magic, magic)
        self.rule("superblock-identity", "s_version", self.value("s_version") in (1, 2), "1 or 2")
        if magic == self.dialect.magic:
            self._features()
            if self._sizes():
                self._places()
            self._state()
            self._snapshots()
        self._secondary()

    def _features(self) -> None:
        if not self.form.feature_words:
            return
        version = self.value("s_version")
        used = any(self.value(field) for field in self.form.feature_words)
        if version in (1, 2):
            self.rule("superblock-version", "s_version", (version == 2) == used, "2 with features, 1 without")
        for field, known in self.form.feature_words.items():
            value = self.value(field)
            self.rule("superblock-features", field, not value & ~known, "known features", f"{value:#x}")

    def _sizes(self) -> bool:
        """Check the fields that all places are computed from; whether they are right."""
        bsize, before = self.value("s_bsize"), self.report.counts.total()
        log2 = log2_or_minus1(bsize)
        sizes = self.form.block_sizes
        rule = "superblock-block-size"
        self.rule(rule, "s_bsize", bsize in sizes, " or ".join(map(str, sizes)))
        for field, expected in (
            ("s_l2bsize", log2),
            ("s_pbsize", SECTOR),
            ("s_l2pbsize", 9),
            ("s_l2bfactor", log2 - 9),
        ):
            if bsize in sizes:
                self.rule(rule, field, self.value(field) == expected, expected)
        if bsize not in sizes:
            return False
        size, factor = self.value("s_size"), bsize // SECTOR
        room = self.device.size // SECTOR
        right = 0 < size <= room and size % factor == 0
        self.rule("superblock-size", "s_size", right, f"a multiple of {factor}, at most {room}")
        if not right:
            return False
        blocks, ag_size = size // factor, self.value("s_agsize")
        expected = 1 << (13 if blocks < BLOCKS_PER_DMAP * _MOST_GROUPS else (blocks - 1).bit_length() - 7)
        self.rule("superblock-ag-size", "s_agsize", ag_size == expected, expected)
        return self.report.counts.total() == before

    def _places(self) -> None:
        bsize = self.value("s_bsize")
        blocks, room, bpp = self.value("s_size") * SECTOR // bsize, self.device.size // bsize, PAGE // bsize
        address, length = self.pxd("s_fsckpxd")
        pages = ceil_div(blocks + length, 8 * PAGE) + 1 + FSCK_LOG_PAGES
        right = (address, length) == (blocks, pages * bpp)
        self.place("superblock-work-space", "s_fsckpxd", right, f"{pages * bpp}@{blocks}")
        log, log_length = self.pxd("s_logpxd")
        if self.value("s_flag") & INLINE_LOG:
            # where the work space is wrong, only the end of the volume bounds the log
            start = address + length if right else log
            place = log == start and log_length > 0 and log + log_length <= room
            self.place("superblock-log-place", "s_logpxd", place, f"a log at block {start} that ends before {room}")
        else:
            self.place("superblock-log-place", "s_logpxd", (log, log_length) == (0, 0), "0@0 for an external log")
        extent = EXTENT_BYTES // bsize
        lengths = {"s_ait": extent, "s_ait2": extent, "s_aim2": 2 * bpp}
        for field in self.form.table_places:
            (at, count), expected = self.pxd(field), lengths[field]
            if field == "s_ait":
                first = AIT_OFFSET // bsize
                self.place("superblock-second-tables", field, (at, count) == (first, extent), f"{extent}@{first}")
                continue
            right = count == expected and at * bsize > SUPERBLOCK2_OFFSET + PAGE and at + count <= blocks
            self.place("superblock-second-tables", field, right, f"{expected} blocks behind the block map")
        pages = FSCK_LOG_PAGES * bpp
        self.rule("superblock-service-log", "s_fsckloglen", self.value("s_fsckloglen") == pages, pages)
        self.rule("superblock-service-log", "s_fscklog", self.value("s_fscklog") in (0, 1, 2), "0, 1 or 2")

    def _state(self) -> None:
        state, flag = self.value("s_state"), self.value("s_flag")
        at = SUPERBLOCK_OFFSET + self.record.offset_of("s_state")
        if state != CLEAN:
            text = f"s_state is {state:#x}: {'; '.join(describe_state(state))}"
            frozen = state == CLEAN_QUIESCED
            self.report.add("superblock-state", self.record.name, "s_state", at, text, warning=frozen)
        self.rule("superblock-state", "s_flag", bool(flag & GROUP_COMMIT), "group commit (0x100)", f"{flag:#x}")

    def _snapshots(self) -> None:
        if not self.form.keeps_snapshots or not self.value("s_feature_rdonly") & FEATURE_SNAPSHOT:
            return
        series: Any = self.row["s_snapshotSeries"][0]
        count, first, last = (int(series[field]) for field in ("nSnapshot", "first", "last"))
        inside = 0 <= first < GENERATIONS and 0 <= last < GENERATIONS
        ring = (last - first) % GENERATIONS + 1
        expected = f"{ring}, from {first} to {last}" if inside else f"a ring of {GENERATIONS}, not {first} to {last}"
        self.rule("snapshot-series", "s_snapshotSeries", is_ring(series), expected, f"{count} snapshots")

    def _secondary(self) -> None:
        other = self.record.table(self.device.read(SUPERBLOCK2_OFFSET, self.record.size))
        different = [
            field
            for field in self.record.dtype.names or ()
            if field not in MAY_DIFFER and not np.array_equal(self.row[field], other[field])
        ]
        if different:
            at = SUPERBLOCK2_OFFSET + self.record.offset_of(different[0])
            text = f"the copies differ in {', '.join(different)}"
            self.report.add("superblock-secondary", self.record.name, different[0], at, text)
