"""Checks 13 and 84 to 86: the log."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...block import BlockDevice
from ..dialect.log_form import SYNCPT
from ..geometry import PAGE, SUPERBLOCK_OFFSET
from ..log.format import CHUNK_PAGES, HEADER, REDONE
from ..log.pages import FIRST_PAGE, PAGE_END, SEQUENCES
from ..superblock import CLEAN_QUIESCED
from .subject import Subject

_RECORD_TYPES = (0x8000, SYNCPT, 0x2000, 0x800, 0x80, 0x40, 0x20, 8, 4, 2, 1)


class LogChecker:
    """Judges a log.

    Args:
        subject: the file system.
        device: where the log is: that of the file system for an inline log.
        offset: byte where it begins.
        length: its bytes.
        inline: whether no other file system uses it.
    """

    def __init__(self, subject: Subject, device: BlockDevice, offset: int, length: int, *, inline: bool) -> None:
        self._subject = subject
        self._device = device
        self._offset = offset
        self._pages = length // PAGE & ~3
        self._inline = inline
        self._record = subject.dialect.structures.log_super
        self._at = offset + PAGE

    def check(self) -> None:
        """Judge superblock, pages and last record."""
        if self._pages <= FIRST_PAGE:
            self._find("size", f"a log of {self._pages} pages")
            return
        row = self._record.table(self._device.read(self._at, self._record.size))[0]
        sound = self._superblock(row)
        self._serial(int(row["serial"]), closed=row["state"] == REDONE)
        if sound:
            self._ring(int(row["end"]) // PAGE if row["state"] == REDONE else None)
            if row["state"] == REDONE and self._end(int(row["end"])):
                self._last_record(int(row["end"]))

    def _find(self, field: str, text: str) -> None:
        self._subject.find("log-superblock", self._record, field, self._at, text)

    def _superblock(self, row: Any) -> bool:
        """Whether there is a log of the right size."""
        s, size = self._subject, self._pages
        before = s.report.counts.total()
        expected: dict[str, object] = {"magic": s.dialect.log_form.magic, "version": 1}
        if self._inline:
            expected["size"] = size
        elif not FIRST_PAGE < row["size"] <= size:
            self._find("size", f"{row['size']} pages, the volume has {size}")
        else:
            self._pages = int(row["size"])
        if s.dialect.log_form.repeats_block_size and self._inline:
            block_size = s.volume.block_size
            expected |= {"bsize": block_size, "l2bsize": block_size.bit_length() - 1}
        for field, value in expected.items():
            if row[field] != value:
                self._find(field, f"{field} is {row[field]}, expected {value!r}")
        sound = s.report.counts.total() == before
        if row["state"] != REDONE and not self._inline and row["active"].any():
            s.report.notes.append("the log is open: other file systems are mounted with it, or their replay is due")
        elif row["state"] != REDONE:
            text = f"state is {row['state']}, expected {REDONE}: it was not closed"
            frozen = s.superblock.state == CLEAN_QUIESCED
            s.find("log-superblock", self._record, "state", self._at, text, warning=frozen)
        return sound

    def _serial(self, serial: int, *, closed: bool) -> None:
        """A crash at mount, between the superblocks of log and file system, leaves the log one ahead: a warning."""
        s, record = self._subject, self._subject.dialect.structures.superblock
        mounted = int(s.superblock.values["s_logserial"])
        if mounted > serial or (self._inline and mounted != serial):
            text = f"s_logserial is {mounted}, the log's serial is {serial}"
            behind = mounted < serial and closed and s.superblock.is_clean
            s.find("superblock-log-serial", record, "s_logserial", SUPERBLOCK_OFFSET, text, warning=behind or None)

    def _end(self, end: int) -> bool:
        page, offset = divmod(end, PAGE)
        inside = FIRST_PAGE <= page < self._pages and HEADER < offset <= PAGE_END
        if not inside:
            self._find("end", f"end is {end:#x}, which is not in the pages 2 to {self._pages - 1}")
        return inside

    def _ring(self, last: int | None) -> None:
        """Sequences of all pages, read in large runs.

        Args:
            last: the page that a closed log ends in; what is torn elsewhere is left over from before a replay, which
                reads such a page as the older of its ends [jfs2 3.7]: no more than a warning.
        """
        s, header = self._subject, self._subject.dialect.structures.log_page_header
        count = self._pages - FIRST_PAGE
        sequence = np.empty(count, np.int64)
        chunk = np.empty((min(CHUNK_PAGES, count), PAGE), np.uint8)
        for first in range(0, count, CHUNK_PAGES):
            raw = chunk[: min(CHUNK_PAGES, count - first)]
            at = self._offset + (FIRST_PAGE + first) * PAGE
            self._device.read_into(at, raw)
            head = np.ascontiguousarray(raw[:, :HEADER]).view(header.dtype)[:, 0]
            tail = np.ascontiguousarray(raw[:, PAGE_END:]).view(header.dtype)[:, 0]
            ends = head["page"].astype(np.int64), tail["page"].astype(np.int64)
            older = np.where((ends[1] - ends[0]) % SEQUENCES < SEQUENCES // 2, ends[0], ends[1])
            sequence[first : first + len(raw)] = older
            torn = (head["page"] != tail["page"]) | (head["eor"] != tail["eor"])
            for page in np.flatnonzero(torn).tolist():
                text = f"log page {FIRST_PAGE + first + page} is torn: its ends differ"
                left = last is not None and FIRST_PAGE + first + page != last
                s.find("log-pages", header, "", at + page * PAGE, text, warning=left or None)
        following = np.roll(sequence, -1)
        breaks = np.flatnonzero((sequence + 1) & 0xFFFFFFFF != following)
        if len(breaks) != 1:
            at = self._offset + (FIRST_PAGE + int(breaks[0] if len(breaks) else 0)) * PAGE
            s.find("log-pages", header, "page", at, f"the sequence of the log's pages has {len(breaks)} breaks, not 1")

    def _last_record(self, end: int) -> None:
        s, record = self._subject, self._subject.dialect.structures.log_syncpt
        page, offset = divmod(end, PAGE)
        data = self._data(page)[: offset - HEADER]
        if len(data) < record.size:  # it begins in the page before
            before = page - 1 if page > FIRST_PAGE else self._pages - 1
            data = self._data(before) + data
        row = record.table(data[-record.size :])[0]
        if row["type"] == SYNCPT and row["sync"] == 0:
            return
        # a replay closes the log at the last record it found, whatever that is
        header = s.dialect.structures.log_page_header.table(self._device.read(self._offset + page * PAGE, HEADER))[0]
        if row["type"] not in _RECORD_TYPES or header["eor"] != offset:
            text = f"a record of type {row['type']:#x} ends at {end:#x}, expected the last sync point (0x4000)"
            s.report.add("log-end", record.name, "type", self._offset + end - record.size, text)

    def _data(self, page: int) -> bytes:
        return self._device.read(self._offset + page * PAGE + HEADER, PAGE_END - HEADER).tobytes()
