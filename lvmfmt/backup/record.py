"""Records of an archive: their common head, their checksum, and files in the forms that there are.

Source: [backup 2, 3, 5].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import OperationRefused
from ..escaping import printable
from ..layout.backup import BFF_NAME, BFF_NAME_LF, BFF_NAME_X, BFF_ONAME
from ..layout.record import Record

WORD = 8
PLAIN, PACKED = 60011, 60012
FIRST_MAGIC, LAST_MAGIC = 60011, 60017
VOLUME, VOLUME_END, END = 0, 6, 7
ONAME, NAME, NAME_X, NAME_LF = 5, 9, 11, 12
LAST_TYPE = 15
MAX_HEADER = 255 * WORD
MAX_NAME = 1023
MAX_SMALL = 2**31 - 1
"""Largest value of a signed field of 32 bits."""

FILES: Mapping[int, Record] = {ONAME: BFF_ONAME, NAME: BFF_NAME, NAME_X: BFF_NAME_X, NAME_LF: BFF_NAME_LF}
"""Type -> declaration of the records that stand in front of a file."""

TYPE_NAMES = {
    0: "FS_VOLUME", 1: "FS_FINDEX", 2: "FS_CLRI", 3: "FS_BITS", 4: "FS_OINODE", 5: "FS_ONAME", 6: "FS_VOLEND",
    7: "FS_END", 8: "FS_DINODE", 9: "FS_NAME", 10: "FS_DS", 11: "FS_NAME_X", 12: "FS_NAME_LF", 13: "FS_NAME_EA",
    14: "FS_NAME_ACL", 15: "FS_NAME_E",
}  # fmt: skip
"""Published names of the types."""

_SUM = tuple(byte << (byte & 7) for byte in range(256))
_CHECKSUM = slice(4, 6)


@dataclass(frozen=True)
class Head:
    """The common head of a record: its length in bytes, type and magic."""

    length: int
    type: int
    magic: int

    @property
    def packed(self) -> bool:
        """Whether the data behind it is packed: the even magics."""
        return self.magic % 2 == 0


def checksum(record: bytes) -> int:
    """The sum over a record, its own two bytes counted as zero."""
    return (sum(map(_SUM.__getitem__, record)) - sum(_SUM[b] for b in record[_CHECKSUM])) & 0xFFFF


def read_head(data: bytes) -> Head | None:
    """The head of the record at the start of some bytes, None if there is no whole record with a right checksum."""
    if len(data) < WORD:
        return None
    head = Head(data[0] * WORD, data[1], data[2] | data[3] << 8)
    if head.length == 0 or head.type > LAST_TYPE or not FIRST_MAGIC <= head.magic <= LAST_MAGIC:
        return None
    if len(data) < head.length or checksum(data[: head.length]) != data[4] | data[5] << 8:
        return None
    return head


def fields(record: Record, data: bytes) -> dict[str, int]:
    """The values of a record of numbers."""
    row = record.table(data, 1)
    return dict(zip(row.dtype.names or (), row[0].tolist(), strict=True))


def build(record: Record, type: int, values: Mapping[str, object], *, name: bytes | None = None) -> bytes:
    """A record with its checksum.

    Args:
        record: its declaration.
        type: its type.
        values: its fields without the head; `magic` is PLAIN unless it is given.
        name: what follows the fixed part.

    Raises:
        OperationRefused: the name is too long, empty or holds a NUL, or a value does not fit its field.
    """
    tail = b"" if name is None else name + b"\0"
    if name is not None and (not 0 < len(name) <= MAX_NAME or b"\0" in name):
        raise OperationRefused(f"an archive cannot hold the name {printable(name[:80])!r} of {len(name)} bytes")
    length = -(-(record.size + len(tail)) // WORD)
    row = record.empty_table(1)
    try:
        for key, value in {"magic": PLAIN, **values, "len": length, "type": type}.items():
            row[key] = value
    except OverflowError as error:
        raise OperationRefused(f"a value does not fit into the record {record.name}: {error}") from None
    data = (row.tobytes() + tail).ljust(length * WORD, b"\0")
    return data[:4] + checksum(data).to_bytes(2, "little") + data[6:]


def padded(size: int) -> int:
    """`size` rounded up to whole words."""
    return -(-size // WORD) * WORD
