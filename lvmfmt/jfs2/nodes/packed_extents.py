"""Extents as bytes one at a time, without an array for each.

Tables are numpy's work (`Dialect.get_xad`); a transaction touches a few extents, which `struct` takes apart much
faster. Source: [jfs2 2.1].
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from ..dialect import Dialect

ENTRY, PXD = 16, 8
"""Bytes of an entry of an extent tree, and of an extent without its place in a file."""
Piece = tuple[int, int, int, int]
"""Offset, length and address in blocks, and flag of an extent of a file."""


class PackedExtents:
    """How a dialect packs `pxd` and `xad`.

    Args:
        dialect: the dialect.
    """

    PXD = 8
    """Bytes of a `pxd`."""

    def __init__(self, dialect: Dialect) -> None:
        order = dialect.byte_order
        self._length_shift, self._high_shift = order.length_shift, order.high_shift
        self._words = Struct(dialect.order + "II")
        self._entry = Struct(dialect.order + "B2xBIII")

    def pxd(self, address: int, length: int) -> bytes:
        """An extent as 8 bytes."""
        return self._words.pack(self._length(address, length), address & 0xFFFFFFFF)

    def get_pxd(self, buffer: bytes | bytearray, at: int) -> tuple[int, int]:
        """Address and length of the extent at an offset of a buffer."""
        return self.place(*self._words.unpack_from(buffer, at))

    def entries(self, node: bytes | bytearray, at: int, first: int, end: int) -> list[Piece]:
        """The entries `first` to `end` - 1 of an extent tree's node that starts at an offset of a buffer."""
        found = []
        raw = memoryview(node)[at + first * ENTRY : at + max(first, end) * ENTRY]
        for flag, high, low, length, address in self._entry.iter_unpack(raw):
            address, length = self.place(length, address)
            found.append((high << 32 | low, length, address, flag))
        return found

    def clear_flags(self, node: bytearray, entry: int, flags: int) -> None:
        """Take flags from an entry of a node that starts at the first byte."""
        node[entry * ENTRY] &= ~flags

    def put_entries(self, pieces: Iterable[Piece]) -> bytes:
        """Extents as entries of a tree."""
        pack = self._entry.pack
        return b"".join([pack(f, o >> 32, o & 0xFFFFFFFF, self._length(a, n), a & 0xFFFFFFFF) for o, n, a, f in pieces])

    def place(self, mixed: int, low: int) -> tuple[int, int]:
        """Address and length of the two words of a `pxd`."""
        return (mixed >> self._high_shift & 0xFF) << 32 | low, mixed >> self._length_shift & 0xFFFFFF

    def _length(self, address: int, length: int) -> int:
        """The word that holds 24 bits of the length and the high bits of the address."""
        return length << self._length_shift | address >> 32 << self._high_shift
