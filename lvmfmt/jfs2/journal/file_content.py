"""Content of a file inside a transaction: data goes to the device, before the commit that makes it visible is durable.

Source: [jfs2 3.4, 7.5].
"""

from __future__ import annotations

from ...block import Buffer
from ...block.device import byte_view
from ...units import ceil_div
from ..nodes.extent_node import NO_END
from ..nodes.packed_extents import Piece
from .core import Journal
from .file_extents import FileExtents
from .images import InodeImage
from .transaction import Transaction

_ZEROS = bytes(1 << 20)


class FileContent:
    """Content of a regular file, or the target of a long symlink.

    Args:
        journal: takes the data.
        txn: the transaction.
        inode: the file.
    """

    def __init__(self, journal: Journal, txn: Transaction, inode: InodeImage) -> None:
        self._journal, self._inode = journal, inode
        self._block = txn.volume.block_size
        self._extents = FileExtents(txn, inode)

    def write(self, offset: int, data: Buffer) -> None:
        """Put bytes at an offset; the file grows where they end behind it."""
        view = byte_view(data)
        if not len(view):
            return
        end, size = offset + len(view), self._inode.size
        self._journal.force_shrunk(self._inode.number)
        if offset > size:
            self._zero_tail(size)
        first, last = offset // self._block, ceil_div(end, self._block)
        covered = last * self._block if end >= size else end  # `_put` fills up the last block of a file
        for piece in self._extents.fill(first, last):
            self._zero_around(piece, offset, covered)
        for at, length, address, _ in self._extents.parts(first, last):
            low, high = max(at * self._block, offset), min((at + length) * self._block, end)
            self._put(address * self._block + low - at * self._block, view[low - offset : high - offset], end >= size)
        self._inode.size = max(end, size)

    def truncate(self, size: int) -> None:
        """Cut the file, or let it grow by zeros."""
        if size > self._inode.size:
            self._journal.force_shrunk(self._inode.number)
            self._zero_tail(self._inode.size)
        else:
            self._extents.free(self._extents.cut(ceil_div(size, self._block), NO_END))
            self._journal.shrunk(self._inode.number)
        self._inode.size = size

    def replace(self, data: Buffer) -> None:
        """Give the file this content in new blocks; the old ones are given back."""
        view = byte_view(data)
        self._extents.free(self._extents.cut(0, NO_END))
        for at, length, address, _ in self._extents.fill(0, ceil_div(len(view), self._block)):
            part = view[at * self._block : (at + length) * self._block]
            self._put(address * self._block, part, True)
        self._inode.size = len(view)

    def _zero_tail(self, size: int) -> None:
        """Zero what lies behind the end of the file in its last block, before the end moves."""
        for _, _, address, _ in self._extents.parts(size // self._block, size // self._block + 1):
            inside = size % self._block
            self._zero(address * self._block + inside, self._block - inside)

    def _zero_around(self, piece: Piece, start: int, end: int) -> None:
        """Zero the parts of new blocks that the bytes from `start` to `end` do not cover."""
        at, length, address, _ = piece
        low, high, base = at * self._block, (at + length) * self._block, address * self._block
        self._zero(base, max(min(start, high) - low, 0))
        if end < high:
            self._zero(base + end - low, high - end)

    def _put(self, at: int, part: memoryview, last: bool) -> None:
        """Write data; behind the last of a file, zeros up to the end of its block."""
        if last and (rest := -(at + len(part)) % self._block):
            full = len(part) // self._block * self._block
            if full:
                self._journal.write_data(at, part[:full])
            self._journal.write_data(at + full, bytes(part[full:]) + bytes(rest))
        else:
            self._journal.write_data(at, part)

    def _zero(self, at: int, length: int) -> None:
        while length > 0:
            part = min(length, len(_ZEROS))
            self._journal.write_data(at, _ZEROS[:part])
            at, length = at + part, length - part
