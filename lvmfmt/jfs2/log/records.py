"""Records of a log, newest first: what each says, every length and count checked.

Source: [jfs2 2.8]; the address rules are those of [jfs2 3.7] and [jfs2 3.10.3].
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from ...errors import CorruptImage
from ...layout.record import Record
from ..dialect import Dialect
from ..nodes.packed_extents import ENTRY, PXD, PackedExtents
from .pages import LogWrap, Ring

ALLOCATE_BITS = 0xF0
XAD_LIST, PXD_LIST = 0x88, 0x44
"""Sub-types of UPDATEMAP: the high four allocate, the low four free; these two kinds have a list as data."""

_RANGE_SIZE = 4


class LoggedExtent(NamedTuple):
    """A physical extent in blocks."""

    address: int
    length: int


class Range(NamedTuple):
    """Changed slots of an object, with their new bytes."""

    first: int
    slots: int
    data: bytes


@dataclass(frozen=True)
class LogRecord:
    """One record.

    Attributes:
        address: address of its end, which is its name (lsn).
        position: of its end in the stream.
        start: position of its first byte.
        kind: name of its type, as "REDOPAGE".
        tid: transaction.
        backchain: address of the record of the transaction before it, 0 for none.
        aggregate: file system, for a log that several share.
        part: fields of the type part, by published name; extents as `LoggedExtent`.
        data: the bytes before the descriptor.
        length: how many they are.
        ring: the log it is in.
    """

    address: int
    position: int
    start: int
    kind: str
    tid: int
    backchain: int
    aggregate: int
    part: Mapping[str, Any]
    data: bytes
    ring: Ring

    @property
    def length(self) -> int:
        """Bytes of data."""
        return len(self.data)

    def ranges(self, slot: int) -> list[Range]:
        """The changed ranges of a REDOPAGE record in the order in which they lie in the log.

        Args:
            slot: bytes of a slot.

        Raises:
            CorruptImage: they do not make up the data.
        """
        found: list[Range] = []
        end = len(self.data)
        descriptor = struct.Struct(self.ring.log.dialect.order + "hh")
        while end:
            if end < _RANGE_SIZE:
                raise self.corrupt("length", "ranges of slots, each with its descriptor", f"{end} bytes left over")
            first, count = descriptor.unpack_from(self.data, end - _RANGE_SIZE)
            end -= _RANGE_SIZE
            if first < 0 or count <= 0 or count * slot > end:
                raise self.corrupt("length", f"a range of slots inside {end} bytes", f"({first},{count})")
            found.append(Range(first, count, self.data[end - count * slot : end]))
            end -= count * slot
        return found[::-1]

    def extents(self) -> list[LoggedExtent]:
        """The extents that an UPDATEMAP record allocates or frees.

        Raises:
            CorruptImage: its list is not as long as it says.
        """
        subtype, count = self.part["subtype"], self.part["nxd"]
        if not subtype & (XAD_LIST | PXD_LIST):
            return [self.part["pxd"]]
        size = ENTRY if subtype & XAD_LIST else PXD
        if count < 0 or len(self.data) != count * size + (_RANGE_SIZE if count else 0):
            raise self.corrupt("nxd", f"a list in {len(self.data)} bytes of data", count)
        codec = PackedExtents(self.ring.log.dialect)
        if subtype & XAD_LIST:
            return [LoggedExtent(a, n) for _, n, a, _ in codec.entries(self.data, 0, 0, count)]
        return [LoggedExtent(*codec.get_pxd(self.data, at)) for at in range(0, count * size, size)]

    def corrupt(self, field: str, expected: object, found: object) -> CorruptImage:
        """The error for a field of this record."""
        return self.ring.log.corrupt("record", field, self.address, f"{expected} ({self.kind})", found)


def backward(ring: Ring) -> Iterator[LogRecord]:
    """Records from the newest to the oldest; the caller says when it has seen enough.

    Raises:
        LogWrap: the ring was passed once around.
        CorruptImage: a record makes no sense.
    """
    position = ring.end_position
    while True:
        record = _record(ring, position)
        yield record
        position = record.start


def history(ring: Ring) -> tuple[list[LogRecord], str]:
    """All records that can still be read, oldest first, and why the one before them cannot."""
    found: list[LogRecord] = []
    try:
        found.extend(backward(ring))
    except (CorruptImage, LogWrap) as error:
        return found[::-1], error.what
    raise AssertionError("a ring has an end")


def _record(ring: Ring, position: int) -> LogRecord:
    log = ring.log
    base = log.dialect.structures.log_record
    raw = ring.before(position, base.size)
    fixed = _fields(base, raw, log.dialect)
    address = ring.address(position)
    known = log.dialect.log_form.records.get(fixed["type"])
    if known is None:
        raise log.corrupt("record", "type", address, "a known type", f"{fixed['type']:#06x}")
    kind, structure = known
    length = fixed["length"]
    if length < 0:
        raise log.corrupt("record", "length", address, "at least 0", length)
    part = _fields(structure, raw, log.dialect)
    for field in ("type", "length"):
        del part[field]
    start = position - base.size - length
    return LogRecord(
        address=address,
        position=position,
        start=start,
        kind=kind,
        tid=part.pop("logtid"),
        backchain=part.pop("backchain"),
        aggregate=part.pop("aggregate"),
        part=part,
        data=ring.before(position - base.size, length),
        ring=ring,
    )


_CODES = {"8": "bB", "16": "hH", "32": "iI", "64": "qQ"}


@lru_cache
def _unpacker(record: Record, order: str) -> tuple[struct.Struct, tuple[tuple[str, bool], ...]]:
    """How to take a descriptor apart, from its declaration: a struct, and (name, whether it is a pxd) per value."""
    code, names = order, []
    for field in record.fields():
        number = re.fullmatch(r"([us])(8|16|32|64)(?:be|le)?", field.type)
        if number:
            code += _CODES[number[2]][number[1] == "u"]
        elif field.type.endswith("_pxd"):
            code += "8s"
        else:
            code += f"{field.size}x"
            continue
        names.append((field.name, number is None))
    return struct.Struct(code), tuple(names)


def _fields(record: Record, raw: bytes, dialect: Dialect) -> dict[str, Any]:
    unpack, names = _unpacker(record, dialect.order)
    codec = PackedExtents(dialect)
    return {
        name: LoggedExtent(*codec.get_pxd(value, 0)) if is_pxd else value
        for (name, is_pxd), value in zip(names, unpack.unpack(raw), strict=True)
    }
