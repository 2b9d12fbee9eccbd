"""The extents of a file inside a transaction: looking them up, cutting, adding, and storing their tree.

Pages of the tree stay where they are; more are taken and those left over given back as the number of extents asks.
Source: [jfs2 3.4].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..attributes.descriptor import INLINE_FLAG
from ..dialect.log_form import XTREE
from ..geometry import MAX_EXTENT, PAGE
from ..inodes.inode_table import SHORT_ROOT_ENTRIES, SHORT_ROOT_MAXENTRY
from ..nodes.extent_node import NEVER_WRITTEN, ROOT_ENTRIES, ROOT_MAXENTRY, ROOT_OFFSET, ExtentTreeLimits
from ..nodes.extent_tree import lay_out, page_counts, walk
from ..nodes.packed_extents import ENTRY, Piece
from .images import Extents, InodeImage
from .transaction import Transaction


class FileExtents:
    """Extents of a file, ascending, and its tree.

    Args:
        txn: the transaction.
        inode: the file.

    Attributes:
        pieces: its extents; `store` makes changes of them part of the transaction.

    Raises:
        CorruptImage: a node of the tree has a fault, however harmless; nothing is built on it.
    """

    ROOT_AT, ROOM = ROOT_OFFSET, ROOT_MAXENTRY
    """Where the root of the tree lies in the inode, and the index after the last entry that it has bytes for."""

    def __init__(self, txn: Transaction, inode: InodeImage) -> None:
        self._txn, self._inode = txn, inode
        self.pieces: list[Piece] = []
        self._levels: list[list[int]] = []  # block addresses of the tree's pages, leaves first
        if inode.tree:
            self.pieces = self._read()
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
        counts = page_counts(len(self.pieces), self._root_limit())
        old, self._levels = self._levels, []
        for i, count in enumerate(counts):
            have = old[i] if i < len(old) else []
            self._levels.append([*have[:count], *(self._new_page() for _ in range(count - len(have)))])
        kept = {page for level in self._levels for page in level}
        for page in (page for level in old for page in level if page not in kept):
            self._txn.drop_page(XTREE, page, inode)
        before = {page for level in old for page in level}
        pages, top = lay_out(self.pieces, self._levels, bpp)
        for page, leaf, links, part in pages:
            data = self._page(page) if page in before else self._put_new(page)
            self._txn.coding.write_page(data, part, leaf=leaf, block=page, length=bpp, links=links)
        self._put_root(top)
        self._count()

    def _read(self) -> list[Piece]:
        """The extents; pages of the tree are noted in `_levels`."""
        data, volume, coding = self._inode.data, self._txn.volume, self._txn.coding
        capacities = coding.dialect.root_capacities if self.ROOM == ROOT_MAXENTRY else (self.ROOM,)
        limits = ExtentTreeLimits(volume.blocks, volume.blocks_per_page, capacities)
        found = coding.sound_leaf(data, self.ROOT_AT, self.ROOM, limits)
        if found is not None:
            return found
        found, root = [], np.frombuffer(bytes(data[self.ROOT_AT : self.ROOT_AT + self.ROOM * ENTRY]), np.uint8)

        def read(page: int) -> NDArray[np.uint8]:
            return np.frombuffer(self._page(page), np.uint8)

        for place, node in walk(coding, root, limits, read=read):
            if place.block is None:
                at = self._inode.at + self.ROOT_AT
            else:
                at = place.block * volume.block_size
                if not place.links[0]:
                    self._levels.insert(0, [])
                self._levels[0].append(place.block)
            for fault in node.faults:
                raise volume.refuse(fault, at)
            if node.is_leaf:
                found += node.entries.tolist()
        return found

    def _page(self, page: int) -> bytearray:
        return self._txn.page(XTREE, page, self._inode).data

    def _put_new(self, page: int) -> bytearray:
        return self._txn.new_page(XTREE, bytearray(PAGE), page, self._inode).data

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

    def _root_limit(self) -> int:
        """Entries that the root has room for: inline attributes take the end of it."""
        flag = self._inode.data[self._txn.coding.attributes_at]
        return SHORT_ROOT_ENTRIES if flag & INLINE_FLAG else ROOT_ENTRIES

    def _new_page(self) -> int:
        [(address, _)] = self._txn.allocate(
            self._txn.volume.blocks_per_page, near=self._inode.near, contiguous=True
        )  # fmt: skip
        return address

    def _put_root(self, top: Sequence[Piece]) -> None:
        inode, coding = self._inode, self._txn.coding
        fits = len(top) <= SHORT_ROOT_ENTRIES and not self._levels
        most = coding.maxentry(inode.data, self.ROOT_AT)
        if self._root_limit() == ROOT_ENTRIES and not (fits and most == SHORT_ROOT_MAXENTRY):
            most = ROOT_MAXENTRY
            inode.mode_word &= ~coding.dialect.inode_form.inline_area_mark  # their area is taken, for good
        coding.write_root(inode.data, self.ROOT_AT, top, leaf=not self._levels, maxentry=most)
