"""Writing the log: records over page boundaries, pages in their order, and its superblock at open and close.

Records are kept in memory until they are forced. A force writes one page after the other, each with its own barrier:
a page that arrived before its predecessor would be a gap in the sequence. Source: [jfs2 3.7, 3.8].
"""

from __future__ import annotations

from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from ...block import Buffer
from ...block.device import byte_view
from ...errors import OperationRefused
from ..dialect.log_form import SYNCPT
from ..geometry import PAGE
from ..log.format import HEADER, REDONE, SUPERBLOCK_PAGE
from ..log.pages import DATA, FIRST_PAGE, OPEN, PAGE_END, Log

MAX_DATA = 0x7FFF
"""Bytes of data of a record: its length has 15 bits."""
_MAX_DELTA = 128 * PAGE
_CODES = {"i8": "q", "u8": "Q", "i4": "i", "u4": "I", "i2": "h", "u2": "H"}
_Template = tuple[Struct, dict[str, Any]]
"""How a record is packed, and the values that it has where nothing else is said, in the order of its fields."""


class Oldest(NamedTuple):
    """A record that a replay still needs: where it begins in the stream, and its address, which is its end."""

    position: int
    address: int


class Rest(NamedTuple):
    """Where a log stands that is open while nobody writes it: number of this use, and address of its last sync point.

    Nothing before that sync point is needed.
    """

    serial: int
    end: int


class LogWriter:
    """A log that is open for writing. Positions count bytes of its stream of records and only grow.

    Args:
        log: the log; it has to be closed, with nothing to replay, or to stand as it was left.
        left: where it was left.

    Attributes:
        end: position behind the last record.
        durable: position up to which records survive a crash.
        synced: position of the last sync point, or of the oldest record that it keeps.
        capacity: bytes that the ring holds.
        delta: bytes after which a new sync point is due [jfs2 3.8.3].
        serial: of this use of the log.

    Raises:
        OperationRefused: the log is open, or has something to replay.
        CorruptImage: its end makes no sense, or is not where it was left.
    """

    def __init__(self, log: Log, left: Rest | None = None) -> None:
        if left is not None and (log.state, int(log.values["serial"])) != (OPEN, left.serial):
            raise OperationRefused("the log is not as it was left", where=log.device.name, hint="replay it (logredo)")
        if left is None and log.state != REDONE:
            raise OperationRefused(
                "the log was not closed",
                where=log.device.name,
                hint="replay it for all that use it (logredo, --all --log NAME) first",
            )
        log.device.check_writable()
        self._log = log
        self._marks = log.dialect.structures.log_page_header
        self._last = int(log.values["end"]) if left is None else left.end
        self._page, self._at = divmod(self._last, PAGE)
        record = log.dialect.structures.log_super
        if not FIRST_PAGE <= self._page < log.pages or not HEADER < self._at <= PAGE_END:
            raise log.corrupt("superblock", "end", PAGE + record.offset_of("end"), "a place in the ring", self._last)
        self._bytes = bytearray(log.device.read(log.offset + self._page * PAGE, PAGE))
        marks = self._marks.table(self._bytes, 1)
        # the page may have been torn: then the smaller end counted, and what lies behind it is written anew
        eor = min(int(marks["eor"][0]), int(self._marks.table(self._bytes, 1, PAGE_END)["eor"][0]))
        # an opening that was interrupted may have written its sync point behind the end: that is written anew, too
        if eor < self._at or (left is not None and eor != self._at):
            at = self._page * PAGE + self._marks.offset_of("eor")
            raise log.corrupt("page_header", "eor", at, self._at, eor)
        self._sequence = int(marks["page"][0])
        self._eor = self._at
        self._full: list[tuple[int, bytes]] = []
        self.capacity = (log.pages - FIRST_PAGE) * DATA
        self.delta = min(self.capacity // 8, _MAX_DELTA)
        self.end = self.durable = self.synced = 0
        self.serial = int(log.values["serial"]) + (left is None)
        self._templates: dict[int, _Template] = {}

    @property
    def written(self) -> int:
        """Bytes since the last sync point, or since the oldest record that it keeps."""
        return self.end - self.synced

    @property
    def rest(self) -> Rest:
        """Where it stands after a sync point that needs nothing older."""
        return Rest(self.serial, self._last)

    def open(self, active: Buffer | None) -> None:
        """Write the first sync point, and mark the log as in use.

        Args:
            active: the list of active file systems; None for an inline log.
        """
        self.sync_point()
        self._set_superblock({"state": OPEN, "serial": self.serial}, active)

    def close(self, active: Buffer | None) -> None:
        """Write the last sync point, and mark the log as closed at its end."""
        self.sync_point()
        self._set_superblock({"state": REDONE, "end": self._last}, active)

    def set_active(self, active: Buffer) -> None:
        """Write the list of active file systems."""
        self._set_superblock({}, active)

    def sync_point(self, oldest: Oldest | None = None) -> None:
        """Say that nothing older than a record is needed, or nothing at all, and wait for it."""
        self.append(SYNCPT, fields={"sync": oldest.address if oldest else 0})
        self.force()
        self.synced = oldest.position if oldest else self.end

    def append(self, kind: int, data: bytes = b"", backchain: int = 0, tid: int = 0, aggregate: int = 0,
               fields: dict[str, Any] | None = None) -> int:  # fmt: skip
        """Add a record; returns its address.

        Args:
            kind: its type.
            data: bytes before the descriptor, at most `MAX_DATA`.
            backchain: address of the record of the transaction before it.
            tid: transaction.
            aggregate: file system.
            fields: of the type part, by published name; extents as 8 bytes.
        """
        packing, zeros = self._template(kind)
        values = zeros | fields if fields else zeros.copy()
        values["logtid"], values["backchain"], values["aggregate"] = tid, backchain, aggregate
        values["length"] = len(data)
        self._put(data + packing.pack(*values.values()))
        self._eor = self._at
        self._last = self._page * PAGE + self._at
        if self._at == PAGE_END:
            self._next_page()
        return self._last

    def force(self) -> None:
        """Make all records survive a crash."""
        if self.durable == self.end:
            return
        for number, page in self._full:
            self._write(number, page)
        self._full.clear()
        if self._eor > HEADER:
            self._write(self._page, self._marked())
        self.durable = self.end

    def _template(self, kind: int) -> _Template:
        found = self._templates.get(kind)
        if found is None:
            _, record = self._log.dialect.log_form.records[kind]
            code, end, zeros = self._log.dialect.order, 0, dict[str, Any]()
            for name, (dtype, at, *_) in (record.dtype.fields or {}).items():
                number = _CODES.get(dtype.str[1:])
                code += f"{at - end}x{number or f'{dtype.itemsize}s'}"
                zeros[name] = 0 if number else bytes(dtype.itemsize)
                end = at + dtype.itemsize
            zeros["type"] = kind
            found = self._templates[kind] = Struct(f"{code}{record.size - end}x"), zeros
        return found

    def _put(self, data: bytes) -> None:
        end = self._at + len(data)
        if end <= PAGE_END:
            self._bytes[self._at : end] = data
            self._at = end
            self.end += len(data)
            return
        at = 0
        while at < len(data):
            if self._at == PAGE_END:
                self._next_page()
            part = data[at : at + PAGE_END - self._at]
            self._bytes[self._at : self._at + len(part)] = part
            self._at += len(part)
            at += len(part)
        self.end += len(data)

    def _next_page(self) -> None:
        self._full.append((self._page, self._marked()))
        self._page = FIRST_PAGE if self._page == self._log.pages - 1 else self._page + 1
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        self._bytes = bytearray(PAGE)
        self._at = self._eor = HEADER

    def _marked(self) -> bytes:
        """The page that is being filled, with header and trailer."""
        marks = self._marks.empty_table(1)
        marks["page"], marks["eor"] = self._sequence, self._eor
        self._bytes[:HEADER] = self._bytes[PAGE_END:] = marks.tobytes()
        return bytes(self._bytes)

    def _write(self, number: int, page: bytes) -> None:
        self._log.device.write(self._log.offset + number * PAGE, page)
        self._log.device.flush()

    def _set_superblock(self, values: dict[str, Any], active: Buffer | None) -> None:
        log, record = self._log, self._log.dialect.structures.log_super
        at = log.offset + SUPERBLOCK_PAGE * PAGE
        page = log.device.read(at, PAGE)
        row = page[: record.size].view(record.dtype)
        for name, value in values.items():
            row[name] = value
        if active is not None:
            raw = byte_view(active)
            start = record.offset_of("active")
            page[start : start + len(raw)] = np.frombuffer(raw, np.uint8)
        log.device.write(at, page)
        log.device.flush()
