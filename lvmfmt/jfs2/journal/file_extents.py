"""The extents of a file inside a transaction: looking them up, cutting, adding, and giving them back.

What is done to a range costs by what lies in it, however many extents the file has. Source: [jfs2 3.4].
"""

from __future__ import annotations

from ..geometry import MAX_EXTENT
from ..nodes.extent_node import NEVER_WRITTEN, NO_END
from ..nodes.packed_extents import Piece
from .images import Extents
from .xtree_change import ExtentTree


class FileExtents(ExtentTree):
    """Extents of a file, ascending. Changes are part of the transaction at once; arguments as `ExtentTree`."""

    @property
    def end(self) -> int:
        """Block behind the last extent."""
        return max((offset + length for offset, length, _, _ in self.range(NO_END, NO_END)), default=0)

    @property
    def pieces(self) -> list[Piece]:
        """All extents."""
        return self.all()[0]

    def parts(self, first: int, end: int) -> list[Piece]:
        """What lies between two blocks, cut to that range."""
        return _between(self.range(first, end), first, end)

    def cut(self, first: int, end: int) -> list[Piece]:
        """Take everything between two blocks out; returns it."""
        old = self.range(first, end)
        taken = _between(old, first, end)
        if taken:
            self._put_instead(old, _between(old, 0, first) + _between(old, end, NO_END))
        return taken

    def free(self, pieces: list[Piece]) -> None:
        """Give the blocks of extents back that were cut out."""
        for _, length, address, _ in pieces:
            self._txn.free(address, length)

    def add(self, pieces: list[Piece]) -> None:
        """Put extents into holes; neighbours that continue each other become one."""
        if not pieces:
            return
        old = self.range(min(pieces)[0], sum(max(pieces)[:2]) + 1)
        joined: list[Piece] = []
        for offset, length, address, flag in sorted([*old, *pieces]):
            if joined:
                o, n, a, f = joined[-1]
                if (o + n, a + n, f) == (offset, address, flag) and n + length <= MAX_EXTENT:
                    joined[-1] = (o, n + length, a, f)
                    continue
            joined.append((offset, length, address, flag))
        self._put_instead(old, joined)

    def append(self, length: int, address: int) -> None:
        """Put an extent of its own behind the last one, even where it continues that."""
        self._put_instead([], [(self.end, length, address, 0)])

    def fill(self, first: int, end: int) -> list[Piece]:
        """Let blocks lie behind a whole range; returns those that are new or were never written, for zeroing."""
        near, at = self._inode.near, first
        fresh: list[Piece] = []
        for offset, length, address, flag in [*self.range(first, end), (end, 0, 0, 0)]:
            if at < offset:
                for found, blocks in self._txn.allocate(offset - at, near=near):
                    fresh.append((at, blocks, found, 0))
                    at += blocks
            if flag & NEVER_WRITTEN and offset + length > first:
                unwritten = self.cut(max(offset, first), min(offset + length, end))
                fresh += [(o, n, a, f & ~NEVER_WRITTEN) for o, n, a, f in unwritten]
            at, near = max(at, offset + length), address + length
        self.add(fresh)
        return fresh

    def blocks(self) -> Extents:
        """All blocks of data and tree, as (address, length) pairs."""
        pieces, pages = self.all()
        return [(address, length) for _, length, address, _ in pieces] + [(page, self._bpp) for page in pages]

    def drop(self) -> None:
        """Give all blocks and the tree back; the inode goes, too."""
        for address, length in self.blocks():
            self._txn.free(address, length)

    def _put_instead(self, old: list[Piece], new: list[Piece]) -> None:
        """Put extents in the place of others, all of which lie side by side, and count their blocks."""
        self._inode.blocks += sum(piece[1] for piece in new) - sum(piece[1] for piece in old)
        same = 0
        while same < min(len(old), len(new)) and old[same] == new[same]:
            same += 1
        old, new = old[same:], new[same:]
        while old and new and old[-1] == new[-1]:
            old, new = old[:-1], new[:-1]
        changed = [*old, *new]
        if changed:
            self.replace(min(changed)[0], max(changed)[0] + 1, new)


def _between(pieces: list[Piece], first: int, end: int) -> list[Piece]:
    """Extents, cut to a range of blocks."""
    found = []
    for offset, length, address, flag in pieces:
        low, high = max(offset, first), min(offset + length, end)
        if low < high:
            found.append((low, high - low, address + low - offset, flag))
    return found
