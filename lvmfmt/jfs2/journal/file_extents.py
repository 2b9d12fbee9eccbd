"""The extents of a file inside a transaction: looking them up, cutting, adding, and storing their tree.

Pages of the tree stay where they are; more are taken and those left over given back as the number of extents asks.
Source: reference section 3.4.
"""

from __future__ import annotations

import numpy as np

from ..building.xtree_build import PAGE_ENTRIES, ROOT_ENTRIES
from ..dialect.log_form import XTREE
from ..geometry import MAX_EXTENT, PAGE
from ..inodes.inode_table import INLINE_EA, SHORT_ROOT_ENTRIES, SHORT_ROOT_MAXENTRY
from ..nodes.extent_node import (
    FIRST_ENTRY,
    INTERNAL,
    LEAF,
    NEVER_WRITTEN,
    PAGE_MAXENTRY,
    ROOT_INTERNAL,
    ROOT_LEAF,
    ROOT_MAXENTRY,
    ROOT_OFFSET,
)
from ..reading.xtree import read_extents
from .coding import ENTRY, Piece
from .images import Extents, InodeImage
from .transaction import Transaction

_INLINE = 0x40
_FLAG, _MAXENTRY, _SELF = 16, 20, 24
_FAR = 1 << 62


class FileExtents:
    """Extents of a file, ascending, and its tree.

    Args:
        txn: the transaction.
        inode: the file.

    Attributes:
        pieces: its extents; `store` makes changes of them part of the transaction.
    """

    ROOT_AT = ROOT_OFFSET
    """Where the root of the tree lies in the inode."""

    def __init__(self, txn: Transaction, inode: InodeImage) -> None:
        self._txn, self._inode = txn, inode
        self.pieces: list[Piece] = []
        self._levels: list[list[int]] = []  # block addresses of the tree's pages, leaves first
        if inode.tree:
            self.pieces = self._read_root()
        self._counted = self._count_blocks()

    @property
    def end(self) -> int:
        """Block behind the last extent."""
        return self.pieces[-1][0] + self.pieces[-1][1] if self.pieces else 0

    def parts(self, first: int, end: int) -> list[Piece]:
        """What lies between two blocks, cut to that range."""
        found = []
        for offset, length, address, flag in self.pieces:
            low, high = max(offset, first), min(offset + length, end)
            if low < high:
                found.append((low, high - low, address + low - offset, flag))
        return found

    def cut(self, first: int, end: int) -> list[Piece]:
        """Take everything between two blocks out; returns it."""
        taken = self.parts(first, end)
        kept: list[Piece] = []
        for offset, length, address, flag in self.pieces:
            if offset + length <= first or offset >= end:
                kept.append((offset, length, address, flag))
                continue
            if offset < first:
                kept.append((offset, first - offset, address, flag))
            if offset + length > end:
                kept.append((end, offset + length - end, address + end - offset, flag))
        self.pieces = kept
        return taken

    def free(self, pieces: list[Piece]) -> None:
        """Give the blocks of extents back that were cut out."""
        for _, length, address, _ in pieces:
            self._txn.free(address, length)

    def add(self, pieces: list[Piece]) -> None:
        """Put extents into holes; neighbours that continue each other become one."""
        joined: list[Piece] = []
        for offset, length, address, flag in sorted([*self.pieces, *pieces]):
            if joined:
                o, n, a, f = joined[-1]
                if (o + n, a + n, f) == (offset, address, flag) and n + length <= MAX_EXTENT:
                    joined[-1] = (o, n + length, a, f)
                    continue
            joined.append((offset, length, address, flag))
        self.pieces = joined

    def fill(self, first: int, end: int) -> list[Piece]:
        """Let blocks lie behind a whole range; returns those that are new or were never written, for zeroing."""
        old = self.parts(first, end)
        unwritten = [piece for piece in old if piece[3] & NEVER_WRITTEN]
        fresh: list[Piece] = []
        if unwritten:
            for offset, length, _, _ in unwritten:
                fresh += [(o, n, a, f & ~NEVER_WRITTEN) for o, n, a, f in self.cut(offset, offset + length)]
        at = first
        for offset, length, _, _ in [*old, (end, 0, 0, 0)]:
            if at < offset:
                fresh += self._take(at, offset - at)
            at = offset + length
        self.add(fresh)
        return sorted(fresh)

    def blocks(self) -> Extents:
        """All blocks of data and tree, as (address, length) pairs."""
        bpp = self._txn.volume.blocks_per_page
        data = [(address, length) for _, length, address, _ in self.pieces]
        return data + [(page, bpp) for level in self._levels for page in level]

    def drop(self) -> None:
        """Give all blocks and the tree back."""
        for address, length in self.blocks():
            self._txn.free(address, length)
        self.pieces, self._levels = [], []

    def store(self) -> None:
        """Write the extents into the root, and into pages where it is too small."""
        inode, bpp = self._inode, self._txn.volume.blocks_per_page
        counts = self._page_counts()
        old, self._levels = self._levels, []
        for i, count in enumerate(counts):
            have = old[i] if i < len(old) else []
            self._levels.append([*have[:count], *(self._new_page() for _ in range(count - len(have)))])
        kept = {page for level in self._levels for page in level}
        for page in (page for level in old for page in level if page not in kept):
            self._txn.drop_page(XTREE, page, inode)
        below = self.pieces
        before = {page for level in old for page in level}
        for i, level in enumerate(self._levels):
            for j, address in enumerate(level):
                part = below[j * PAGE_ENTRIES : (j + 1) * PAGE_ENTRIES]
                links = level[j + 1] if j + 1 < len(level) else 0, level[j - 1] if j else 0
                self._put_page(address, address in before, part, LEAF if i == 0 else INTERNAL, links)
            below = [
                (below[j * PAGE_ENTRIES][0], bpp, address, 0) for j, address in enumerate(level)
            ]  # fmt: skip
        self._put_root(below)
        self._count()

    def _read_root(self) -> list[Piece]:
        """The extents, of a tree that may be all in the root."""
        data, volume = self._inode.data, self._txn.volume
        count = self._txn.coding.entry_count(data, self.ROOT_AT)
        if data[self.ROOT_AT + _FLAG] & LEAF and FIRST_ENTRY <= count <= ROOT_MAXENTRY:
            found = self._txn.coding.entries(data, self.ROOT_AT, FIRST_ENTRY, count)
            end = 0
            for offset, length, address, _ in found:
                if offset < end or not 0 < address < address + length <= volume.blocks:
                    break
                end = offset + length
            else:
                return found
        root = np.frombuffer(bytes(data[self.ROOT_AT :]), np.uint8)
        extents = read_extents(volume, root, at=self._inode.at + self.ROOT_AT)
        self._levels = self._read_levels()
        return [(o, n, a, f) for o, n, a, f in extents.tolist()]

    def _take(self, offset: int, blocks: int) -> list[Piece]:
        """New blocks for a hole, close behind what lies before it."""
        before = [piece for piece in self.pieces if piece[0] < offset]
        near = before[-1][2] + before[-1][1] if before else self._inode.near
        found = []
        for address, length in self._txn.allocate(blocks, near=near):
            found.append((offset, length, address, 0))
            offset += length
        return found

    def _count_blocks(self) -> int:
        """Blocks of data and tree."""
        pages = sum(len(level) for level in self._levels)
        return sum(piece[1] for piece in self.pieces) + pages * self._txn.volume.blocks_per_page

    def _count(self) -> None:
        """Bring the inode's count of blocks up to date; it counts those of attributes, too."""
        blocks = self._count_blocks()
        self._inode.blocks += blocks - self._counted
        self._counted = blocks

    def _page_counts(self) -> list[int]:
        counts, entries = [], len(self.pieces)
        while entries > self._root_limit():
            entries = -(-entries // PAGE_ENTRIES)
            counts.append(entries)
        return counts

    def _root_limit(self) -> int:
        """Entries that the root has room for: inline attributes take the end of it."""
        coding = self._txn.coding
        flag = self._inode.data[coding.places["ea" if coding.dialect.name == "aix" else "di_ea"]]
        return SHORT_ROOT_ENTRIES if flag & _INLINE else ROOT_ENTRIES

    def _new_page(self) -> int:
        [(address, _)] = self._txn.allocate(
            self._txn.volume.blocks_per_page, near=self._inode.near, contiguous=True
        )  # fmt: skip
        return address

    def _put_page(self, address: int, exists: bool, part: list[Piece], flag: int, links: tuple[int, int]) -> None:
        txn, coding = self._txn, self._txn.coding
        page = (
            txn.page(XTREE, address, self._inode)
            if exists
            else txn.new_page(XTREE, bytearray(PAGE), address, self._inode)
        ).data
        page[_MAXENTRY : _MAXENTRY + 2] = PAGE_MAXENTRY.to_bytes(2, coding.order)
        page[:_FLAG] = b"".join(link.to_bytes(8, coding.order) for link in links)
        page[_FLAG] = flag
        page[_SELF : _SELF + 8] = coding.pxd(address, txn.volume.blocks_per_page)
        self._put_entries(page, 0, part)

    def _put_root(self, part: list[Piece]) -> None:
        inode, coding, at = self._inode, self._txn.coding, ROOT_OFFSET + _MAXENTRY
        fits = len(part) <= SHORT_ROOT_ENTRIES and not self._levels
        short = SHORT_ROOT_MAXENTRY.to_bytes(2, coding.order)
        if self._root_limit() == ROOT_ENTRIES and not (fits and inode.data[at : at + 2] == short):
            # Linux: the area of inline attributes is taken, for good
            inode.data[at : at + 2] = ROOT_MAXENTRY.to_bytes(2, coding.order)
            if coding.dialect.name == "linux":
                inode.mode_word &= ~INLINE_EA
        inode.data[ROOT_OFFSET + _FLAG] = ROOT_INTERNAL if self._levels else ROOT_LEAF
        self._put_entries(inode.data, ROOT_OFFSET, part)

    def _put_entries(self, buffer: bytearray, at: int, part: list[Piece]) -> None:
        coding, first = self._txn.coding, at + FIRST_ENTRY * ENTRY
        coding.set_entry_count(buffer, at, FIRST_ENTRY + len(part))
        buffer[first : first + len(part) * ENTRY] = coding.put_entries(part)

    def _read_levels(self) -> list[list[int]]:
        """Block addresses of the tree's pages, leaves first; `read_extents` has found them in order."""
        coding = self._txn.coding
        levels: list[list[int]] = []
        nodes: list[tuple[bytearray, int]] = [(self._inode.data, self.ROOT_AT)]
        while nodes and not nodes[0][0][nodes[0][1] + _FLAG] & LEAF:
            level = [
                address
                for node, at in nodes
                for _, _, address, _ in coding.entries(node, at, FIRST_ENTRY, coding.entry_count(node, at))
            ]
            nodes = [(self._txn.page(XTREE, page, self._inode).data, 0) for page in level]
            levels.insert(0, level)
        return levels
