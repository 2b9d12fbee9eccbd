"""The extents of a file inside a transaction: looking them up, cutting, adding, and storing their tree.

Pages of the tree stay where they are; more are taken and those left over given back as the number of extents asks.
Source: reference section 3.4.
"""

from __future__ import annotations

import numpy as np

from ..geometry import MAX_EXTENT, PAGE
from ..inode_table import INLINE_EA, SHORT_ROOT_ENTRIES, SHORT_ROOT_MAXENTRY
from ..log.records import XTREE
from ..xtree import INTERNAL, LEAF, NEVER_WRITTEN, ROOT_OFFSET, read_extents
from ..xtree_build import (
    FIRST_ENTRY,
    PAGE_ENTRIES,
    PAGE_MAXENTRY,
    ROOT_ENTRIES,
    ROOT_INTERNAL,
    ROOT_LEAF,
    ROOT_MAXENTRY,
)
from .images import ENTRY, InodeImage
from .transaction import Transaction

_INLINE = 0x40
Piece = tuple[int, int, int, int]
"""Offset, length and address in blocks, and flag of an extent."""


class FileExtents:
    """Extents of a file, ascending, and its tree.

    Args:
        txn: the transaction.
        inode: the file.

    Attributes:
        pieces: its extents; `store` makes changes of them part of the transaction.
    """

    def __init__(self, txn: Transaction, inode: InodeImage) -> None:
        self._txn, self._inode = txn, inode
        self.pieces: list[Piece] = []
        self._levels: list[list[int]] = []  # block addresses of the tree's pages, leaves first
        if inode.tree:
            root = np.frombuffer(bytes(inode.data[ROOT_OFFSET:]), np.uint8)
            found = read_extents(txn.volume, root, at=inode.at + ROOT_OFFSET)
            self.pieces = [(o, n, a, f) for o, n, a, f in found.tolist()]
            self._levels = self._read_levels()
        self._counted = self._blocks()

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

    def drop(self) -> None:
        """Give all blocks and the tree back."""
        self.free(self.cut(0, 1 << 62))
        for level in self._levels:
            for page in level:
                self._txn.free(page, self._txn.volume.blocks_per_page)

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

    def _take(self, offset: int, blocks: int) -> list[Piece]:
        """New blocks for a hole, close behind what lies before it."""
        before = [piece for piece in self.pieces if piece[0] < offset]
        near = before[-1][2] + before[-1][1] if before else self._inode.near
        found = []
        for address, length in self._txn.allocate(blocks, near=near):
            found.append((offset, length, address, 0))
            offset += length
        return found

    def _blocks(self) -> int:
        """Blocks of data and tree."""
        pages = sum(len(level) for level in self._levels)
        return sum(piece[1] for piece in self.pieces) + pages * self._txn.volume.blocks_per_page

    def _count(self) -> None:
        """Bring the inode's count of blocks up to date; it counts those of attributes, too."""
        blocks = self._blocks()
        self._inode.row["di_nblocks"] += blocks - self._counted
        self._counted = blocks

    def _page_counts(self) -> list[int]:
        counts, entries = [], len(self.pieces)
        while entries > self._root_limit():
            entries = -(-entries // PAGE_ENTRIES)
            counts.append(entries)
        return counts

    def _root_limit(self) -> int:
        """Entries that the root has room for: inline attributes take the end of it."""
        row, dialect = self._inode.row, self._inode.dialect
        flag = row["ea"][0, 0] if dialect.name == "aix" else row["di_ea"]["flag"][0]
        return SHORT_ROOT_ENTRIES if flag & _INLINE else ROOT_ENTRIES

    def _new_page(self) -> int:
        [(address, _)] = self._txn.allocate(
            self._txn.volume.blocks_per_page, near=self._inode.near, contiguous=True
        )  # fmt: skip
        return address

    def _put_page(self, address: int, exists: bool, part: list[Piece], flag: int, links: tuple[int, int]) -> None:
        page = (
            self._txn.page(XTREE, address, self._inode)
            if exists
            else self._txn.new_page(XTREE, bytearray(PAGE), address, self._inode)
        )
        volume = self._txn.volume
        header = volume.dialect.structures.xtree_header.table(page, 1)
        header["next"], header["prev"] = links
        header["flag"], header["maxentry"], header["nextindex"] = flag, PAGE_MAXENTRY, FIRST_ENTRY + len(part)
        volume.dialect.put_pxd(header["self"], slice(None), address, volume.blocks_per_page)
        self._put_entries(page, 0, part)

    def _put_root(self, part: list[Piece]) -> None:
        inode, dialect = self._inode, self._inode.dialect
        header = dialect.structures.xtree_header.table(inode.data, 1, ROOT_OFFSET)
        fits = len(part) <= SHORT_ROOT_ENTRIES and not self._levels
        if self._root_limit() == ROOT_ENTRIES and not (fits and header["maxentry"][0] == SHORT_ROOT_MAXENTRY):
            header["maxentry"] = ROOT_MAXENTRY  # Linux: the area of inline attributes is taken, for good
            if dialect.name == "linux":
                inode.row["di_mode"] &= ~np.uint32(INLINE_EA)
        header["flag"] = ROOT_INTERNAL if self._levels else ROOT_LEAF
        header["nextindex"] = FIRST_ENTRY + len(part)
        self._put_entries(inode.data, ROOT_OFFSET, part)

    def _put_entries(self, buffer: bytearray, at: int, part: list[Piece]) -> None:
        if not part:
            return
        table = self._txn.volume.dialect.structures.xad.table(buffer, len(part), at + FIRST_ENTRY * ENTRY)
        values = np.array(part, np.int64)
        self._txn.volume.dialect.put_xad(table, slice(None), values[:, 0], values[:, 2], values[:, 1], values[:, 3])

    def _read_levels(self) -> list[list[int]]:
        """Block addresses of the tree's pages, leaves first."""
        dialect = self._inode.dialect
        levels: list[list[int]] = []
        nodes: list[bytes] = [bytes(self._inode.data[ROOT_OFFSET:])]
        while nodes and not nodes[0][16] & LEAF:
            level: list[int] = []
            for node in nodes:
                count = int(dialect.structures.xtree_header.table(node, 1)["nextindex"][0]) - FIRST_ENTRY
                xads = dialect.structures.xad.table(node, count, FIRST_ENTRY * ENTRY)
                level += dialect.get_pxd(xads)[1].tolist()
            nodes = [self._txn.volume.read(page, self._txn.volume.blocks_per_page).tobytes() for page in level]
            levels.insert(0, level)
        return levels
