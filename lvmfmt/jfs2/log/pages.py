"""The log as a ring of pages: its superblock, its end, and reading backwards from there.

Pages 2 and on of a log form a ring; each carries a sequence number, and the bytes between its header and trailer are
one endless stream of records. A place in the stream is called by its address: number of the page times 4096 plus the
offset behind the last byte. Source: [jfs2 2.8], [jfs2 3.7] and [jfs2 3.10.2].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...errors import CorruptImage, OperationRefused
from ..dialect import Dialect
from ..geometry import PAGE
from .format import HEADER, MIN_PAGES, SUPERBLOCK_PAGE

OPEN, WRAPPED, DO_NOT_REPLAY = 0, 2, 0x10
"""States of a log superblock, besides `REDONE`."""

FIRST_PAGE = 2
PAGE_END = PAGE - HEADER
"""Offset of a page's trailer."""
DATA = PAGE_END - HEADER
"""Bytes of the stream in a page."""
MAX_PAGES = 1 << 19
"""Pages that addresses of 31 bits reach."""
_CHUNK = 2048
SEQUENCES = 1 << 32


class LogWrap(OperationRefused):
    """The log has overwritten records that are needed."""


@dataclass(frozen=True)
class Log:
    """A log with a superblock that makes sense.

    Attributes:
        device: where it is.
        offset: byte of the device where it starts.
        dialect: structures and byte order.
        values: the fields of its superblock, by published name.
        active: the list of file systems that use it, as it lies there.
    """

    device: BlockDevice
    offset: int
    dialect: Dialect
    values: Any
    active: bytes

    @classmethod
    def read(cls, device: BlockDevice, dialect: Dialect, offset: int) -> Log:
        """The log at a byte of a device as its superblock has it, which is not judged."""
        record, at = dialect.structures.log_super, offset + SUPERBLOCK_PAGE * PAGE
        raw = device.read(at, PAGE)
        list_at = record.offset_of("active")
        active = raw[list_at : list_at + record.dtype["active"].itemsize].tobytes()
        return cls(device, offset, dialect, record.parse(raw, offset=at, where=device.name), active)

    def as_it_is(self) -> Log:
        """The same with its superblock as it is on the device now."""
        return Log.read(self.device, self.dialect, self.offset)

    @property
    def pages(self) -> int:
        """Pages of the log; two fewer form the ring."""
        return int(self.values["size"])

    @property
    def state(self) -> int:
        """State in the superblock, see `LogForm.states`."""
        return int(self.values["state"])

    def corrupt(self, structure: str, field: str, offset: int, expected: object, found: object) -> CorruptImage:
        """The error for a field of a log structure; `offset` counts from the start of the log."""
        return CorruptImage(
            f"{self.dialect.record_prefix}_log_{structure}", field, offset=self.offset + offset, expected=expected,
            found=found, where=self.device.name,
        )  # fmt: skip


def open_log(device: BlockDevice, dialect: Dialect, *, offset: int = 0, length: int | None = None) -> Log:
    """The log that starts at a byte of a device.

    Args:
        device: the log volume, or the volume of the file system for an inline log.
        dialect: whose log.
        offset: byte where an inline log starts.
        length: its bytes; by default to the end of the device.

    Raises:
        CorruptImage: there is no log that makes sense.
    """
    length = device.size - offset if length is None else length
    record = dialect.structures.log_super
    at = offset + SUPERBLOCK_PAGE * PAGE
    if offset < 0 or length < MIN_PAGES * PAGE or offset + length > device.size:
        raise CorruptImage(
            record.name, offset=at, expected=f"a log of at least {MIN_PAGES} pages", found=f"{length} bytes",
            where=device.name,
        )  # fmt: skip
    log, form = Log.read(device, dialect, offset), dialect.log_form
    values = log.values
    most = min(length // PAGE, MAX_PAGES)
    checks: list[tuple[str, bool, object]] = [
        ("magic", values["magic"] == form.magic, form.magic),
        ("version", values["version"] == 1, 1),
        ("size", MIN_PAGES <= values["size"] <= most, f"{MIN_PAGES} to {most} pages"),
        ("state", values["state"] in form.states, "a known state"),
    ]
    if form.repeats_block_size:
        checks.append(("bsize", values["bsize"] == PAGE, PAGE))
    for field, right, expected in checks:
        if not right:
            raise log.corrupt("superblock", field, PAGE + record.offset_of(field), expected, values[field])
    return log


class Ring:
    """The stream of records of a log, read backwards from its end.

    Positions count bytes of the stream; they grow with time, and are negative where the ring was passed. A position
    where one page ends and the next begins is called by its address in the first of them.

    Args:
        log: the log.

    Attributes:
        end: address behind the last record.

    Raises:
        CorruptImage: the sequence of the pages makes no sense, or there is no record.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.count = log.pages - FIRST_PAGE
        self._sequence, eor = _page_marks(log)
        last = self._last_page()
        newest = int(self._sequence[last])
        while eor[last] == HEADER:  # no record ends in the page: the last one ends before it
            if (newest - int(self._sequence[last - 1])) % SEQUENCES >= self.count:
                raise log.corrupt("page_header", "eor", FIRST_PAGE * PAGE, "a record in the log", "none")
            if (int(self._sequence[last]) - int(self._sequence[last - 1])) % SEQUENCES != 1:
                raise self._broken(last)
            last = (last - 1) % self.count
        if not HEADER < eor[last] <= PAGE_END:
            raise log.corrupt(
                "page_header", "eor", (FIRST_PAGE + last) * PAGE + 6, f"{HEADER} to {PAGE_END}", int(eor[last])
            )
        self._end_page, self._end_sequence = last, int(self._sequence[last])
        self.end = (FIRST_PAGE + last) * PAGE + int(eor[last])
        self.end_position = last * DATA + int(eor[last]) - HEADER
        self._cached = (-1, b"")

    def address(self, position: int) -> int:
        """The address of a position."""
        page, inside = divmod(position - 1, DATA)
        return (FIRST_PAGE + page % self.count) * PAGE + HEADER + inside + 1

    def position(self, address: int) -> int | None:
        """The newest position of an address, or None if it cannot be the end of a record."""
        page, inside = divmod(address, PAGE)
        if not FIRST_PAGE <= page < self.log.pages or not HEADER < inside <= PAGE_END:
            return None
        position = (page - FIRST_PAGE) * DATA + inside - HEADER
        return position if position <= self.end_position else position - self.count * DATA

    def before(self, position: int, length: int) -> bytes:
        """The `length` bytes of the stream that end at a position.

        Raises:
            LogWrap: they are no longer in the log.
            CorruptImage: a page on the way is not the one that belongs there.
        """
        parts = []
        while length:
            page, inside = divmod(position - 1, DATA)
            part = min(length, inside + 1)
            data = self._page(page)
            parts.append(data[HEADER + inside + 1 - part : HEADER + inside + 1])
            position -= part
            length -= part
        return b"".join(reversed(parts))

    def mend(self) -> int:
        """Make every page of the ring one that fits behind the end, and say how many pages were written.

        A crash leaves pages torn, or newer than a page before them that did not arrive. No record of theirs counts,
        and a stop in between leaves the same end.
        """
        record = self.log.dialect.structures.log_page_header
        sequence, eor = _marks(self.log)
        last = self._end_page % self.count
        back = (last - np.arange(self.count)) % self.count
        expected = (self._end_sequence - back) % SEQUENCES
        wrong = (sequence != expected).any(axis=0) | (eor[0] != eor[1])
        for page in np.flatnonzero(wrong).tolist():
            at = self.log.offset + (FIRST_PAGE + page) * PAGE
            content = self.log.device.read(at, PAGE) if page == last else np.zeros(PAGE, np.uint8)
            for mark in (content[:HEADER], content[PAGE_END:]):
                row = mark.view(record.dtype)
                row["page"] = expected[page]
                row["eor"] = min(eor[:, page]) if page == last else HEADER
            self.log.device.write(at, content)
        return int(wrong.sum())

    def _page(self, page: int) -> bytes:
        if self._cached[0] != page:
            back = self._end_page - page
            if back >= self.count:
                raise LogWrap(
                    "log wrap: the log was passed once around", where=self.log.device.name, hint="run fsck instead"
                )
            if (self._end_sequence - int(self._sequence[page % self.count])) % SEQUENCES != back:
                raise self._broken(page % self.count)
            at = self.log.offset + (FIRST_PAGE + page % self.count) * PAGE
            self._cached = (page, self.log.device.read(at, PAGE).tobytes())
        return self._cached[1]

    def _last_page(self) -> int:
        """Index of the page written last: behind it lies the one that it would overwrite next.

        When several pages were on their way at a crash, some may have arrived without those before them. Each such
        gap looks like an end too; the true one has the longest run of consecutive pages before it.
        """
        following = np.roll(self._sequence, -1)
        breaks = np.flatnonzero((following - self._sequence) % SEQUENCES != 1)
        older = (self._sequence[breaks] - following[breaks]) % SEQUENCES == self.count - 1
        if not older.any():
            raise self._broken(int(breaks[0]) if len(breaks) else 0)
        runs = np.diff(breaks, prepend=breaks[-1] - self.count)
        return int(breaks[older][np.argmax(runs[older])])

    def _broken(self, page: int) -> CorruptImage:
        return self.log.corrupt(
            "page_header", "page", (FIRST_PAGE + page) * PAGE, "sequence numbers that rise by 1 from page to page",
            int(self._sequence[page]),
        )  # fmt: skip


def mend_end(log: Log) -> bool:
    """Make both ends of the page in which a closed log ends say so; whether that was to be done.

    A mount that was interrupted at its first write leaves them different; none of its records counts.
    """
    record = log.dialect.structures.log_page_header
    page, end = divmod(int(log.values["end"]), PAGE)
    if not FIRST_PAGE <= page < log.pages or not HEADER < end <= PAGE_END:
        return False
    at = log.offset + page * PAGE
    content = log.device.read(at, PAGE)
    head, tail = (content[part].view(record.dtype) for part in (slice(0, HEADER), slice(PAGE_END, PAGE)))
    if (head == tail).all() or head["page"][0] != tail["page"][0] or end not in (head["eor"][0], tail["eor"][0]):
        return False
    head["eor"] = tail["eor"] = end
    log.device.write(at, content)
    return True


def _page_marks(log: Log) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sequence and end of the last record of every page of the ring, shape (pages - 2,) each.

    Where header and trailer of a page differ, it was torn: the older sequence counts and no record ends there; with
    equal sequences the smaller end counts.
    """
    sequence, eor = _marks(log)
    torn = sequence[0] != sequence[1]
    second_is_newer = (sequence[1] - sequence[0]) % SEQUENCES < SEQUENCES // 2
    older = np.where(second_is_newer, sequence[0], sequence[1])
    return older, np.where(torn, HEADER, eor.min(axis=0))


def _marks(log: Log) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sequence and end of the last record in header and trailer of every page of the ring, shape (2, pages - 2)."""
    record = log.dialect.structures.log_page_header
    count = log.pages - FIRST_PAGE
    sequence, eor = np.empty((2, count), np.int64), np.empty((2, count), np.int64)
    for start in range(0, count, _CHUNK):
        pages = min(_CHUNK, count - start)
        raw = log.device.read(log.offset + (FIRST_PAGE + start) * PAGE, pages * PAGE).reshape(pages, PAGE)
        for i, part in enumerate((raw[:, :HEADER], raw[:, -HEADER:])):
            marks = record.table(np.ascontiguousarray(part))
            sequence[i, start : start + pages] = marks["page"]
            eor[i, start : start + pages] = marks["eor"]
    return sequence, eor
