"""Single records as bytes: extents, instants and the integer fields of an inode, without an array for each.

Tables are numpy's work; a transaction touches one inode and a few extents, which `struct` takes apart much faster.
Source: reference sections 2.1 and 2.3.
"""

from __future__ import annotations

from struct import Struct
from typing import Literal

import numpy as np

from ..dialect import NANO, Dialect

_CODES = {"i8": "q", "u8": "Q", "i4": "i", "u4": "I"}
ENTRY = 16
"""Bytes of an entry of an extent tree."""
Piece = tuple[int, int, int, int]
"""Offset, length and address in blocks, and flag of an extent of a file."""


class Coding:
    """How a dialect lays out what a transaction changes.

    Args:
        dialect: the dialect.

    Attributes:
        dialect: the dialect.
        order: byte order as `int.from_bytes` wants it.
        fields: struct and byte offset of each integer field of an inode, by published name.
        places: byte offset of every field of an inode.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.order: Literal["big", "little"] = "big" if dialect.order == ">" else "little"
        self._words = Struct(dialect.order + "II")
        self._entry = Struct(dialect.order + "B2xBIII")
        self._count = Struct(dialect.order + "h")
        record = dialect.structures.inode
        self.places = {name: record.offset_of(name) for name in record.dtype.names or ()}
        self.fields = {
            name: (Struct(dialect.order + _CODES[dtype.str[1:]]), self.places[name])
            for name, (dtype, *_) in (record.dtype.fields or {}).items()
            if dtype.str[1:] in _CODES
        }
        seconds = dialect.structures.time.dtype["tv_sec"]
        self._time = Struct(f"{dialect.order}qi4x" if seconds.itemsize == 8 else f"{dialect.order}II")
        self._seconds = np.iinfo(seconds).min, np.iinfo(seconds).max

    def pxd(self, address: int, length: int) -> bytes:
        """An extent as 8 bytes."""
        return self._words.pack(self._length(address, length), address & 0xFFFFFFFF)

    def get_pxd(self, buffer: bytes | bytearray, at: int) -> tuple[int, int]:
        """Address and length of the extent at an offset of a buffer."""
        return self._place(*self._words.unpack_from(buffer, at))

    def entries(self, node: bytes | bytearray, at: int, first: int, end: int) -> list[Piece]:
        """The entries `first` to `end` - 1 of an extent tree's node that starts at an offset of a buffer."""
        found = []
        raw = memoryview(node)[at + first * ENTRY : at + max(first, end) * ENTRY]
        for flag, high, low, length, address in self._entry.iter_unpack(raw):
            address, length = self._place(length, address)
            found.append((high << 32 | low, length, address, flag))
        return found

    def put_entries(self, pieces: list[Piece]) -> bytes:
        """Extents as entries of a tree."""
        pack = self._entry.pack
        return b"".join([pack(f, o >> 32, o & 0xFFFFFFFF, self._length(a, n), a & 0xFFFFFFFF) for o, n, a, f in pieces])

    def entry_count(self, node: bytes | bytearray, at: int) -> int:
        """`nextindex` of the extent tree's node that starts at an offset of a buffer; 2 in an empty one."""
        return int(self._count.unpack_from(node, at + 18)[0])

    def set_entry_count(self, node: bytearray, at: int, count: int) -> None:
        """Set `nextindex`."""
        self._count.pack_into(node, at + 18, count)

    def time(self, now: int) -> bytes:
        """An instant in nanoseconds as a time stamp; what a field cannot hold becomes its limit."""
        seconds, rest = divmod(now, NANO)
        low, high = self._seconds
        return self._time.pack(min(max(seconds, low), high), rest)

    def _length(self, address: int, length: int) -> int:
        """The word that holds 24 bits of the length and the high bits of the address."""
        return length << 8 | address >> 32 if self.order == "big" else address >> 32 << 24 | length

    def _place(self, mixed: int, low: int) -> tuple[int, int]:
        if self.order == "big":
            return (mixed & 0xFF) << 32 | low, mixed >> 8
        return mixed >> 24 << 32 | low, mixed & 0xFFFFFF
