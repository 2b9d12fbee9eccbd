"""The extent tree of an inode inside a transaction: only nodes on the way to a change are read, proven and changed.

A node that overflows is split, and the routers of its parts go into the node above it; a page without entries is given
back. Source: [jfs2 2.4], [jfs2 3.4], [jfs2 invariants 16 and 52 to 59].
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...units import ceil_div
from ..attributes.descriptor import INLINE_FLAG
from ..dialect.log_form import XTREE
from ..geometry import PAGE
from ..inodes.inode_table import SHORT_ROOT_ENTRIES, SHORT_ROOT_MAXENTRY
from ..nodes.extent_node import (
    NO_END,
    PAGE_ENTRIES,
    ROOT_ENTRIES,
    ROOT_MAXENTRY,
    ROOT_OFFSET,
    ExtentNode,
    ExtentNodePlace,
    ExtentTreeLimits,
)
from ..nodes.extent_tree import walk
from ..nodes.fault import Fault
from ..nodes.packed_extents import ENTRY, Piece
from ..nodes.tree_flags import MAX_DEPTH
from .images import InodeImage, PageImage, ProvenNode
from .transaction import Transaction


class ExtentTree:
    """Extents of a tree by range. The inode counts the blocks of its pages; those of extents are the caller's.

    Args:
        txn: the transaction.
        inode: the file.

    Raises:
        CorruptImage: a node that is needed has a fault, however harmless; nothing is built on it.
    """

    ROOT_AT, ROOM = ROOT_OFFSET, ROOT_MAXENTRY
    """Where the root of the tree lies in the inode, and the index after the last entry that it has bytes for."""

    def __init__(self, txn: Transaction, inode: InodeImage) -> None:
        self._txn, self._inode = txn, inode
        self._bpp = txn.volume.blocks_per_page
        capacities = txn.coding.dialect.root_capacities if self.ROOM == ROOT_MAXENTRY else (self.ROOM,)
        self._limits = ExtentTreeLimits(txn.volume.blocks, self._bpp, capacities)
        self._top: ProvenNode | None = None

    def all(self) -> tuple[list[Piece], list[int]]:
        """All extents, and the block addresses of all pages, level by level; every node is proven."""
        if not self._inode.tree:
            return [], []
        if self._root().is_leaf:
            return self._root().entries[:], []
        found: list[Piece] = []
        pages: list[int] = []

        def read(page: int) -> NDArray[np.uint8]:
            return np.frombuffer(bytes(self._page(page).data), np.uint8)

        for place, node in walk(self._txn.coding, self._root_bytes(), self._limits, read=read):
            self._refuse(node, place.block)
            if place.block is not None:
                pages.append(place.block)
            if node.is_leaf:
                found += node.entries.tolist()
        return found, pages

    def range(self, first: int, end: int) -> list[Piece]:
        """The last extent that begins before a block, and those that begin between it and another one."""
        if not self._inode.tree:
            return []
        levels = self._levels(first, end)
        leaves, found = levels[-1], list[Piece]()
        for leaf in leaves:
            low = bisect_left(leaf.entries, (first,))
            found += leaf.entries[max(low - (leaf is leaves[0]), 0) : bisect_left(leaf.entries, (end,))]
        if leaves[0].links[0] and not (found and found[0][0] < first):
            found[:0] = self._covering(leaves[0].first - 1, len(levels) - 1).entries[-1:]
        return found

    def replace(self, low: int, high: int, new: Sequence[Piece]) -> None:
        """Put extents in the place of those that begin between two blocks."""
        levels = self._levels(low, high)
        self._put(len(levels) - 1, levels[-1], low, high, new)

    def _put(self, depth: int, run: list[ProvenNode], low: int, high: int, new: Sequence[Piece]) -> None:
        """Put entries in the place of those of a level whose keys are between two blocks, which `run` covers."""
        i, j = bisect_left(run[0].entries, (low,)), bisect_left(run[-1].entries, (high,))
        whole = [*run[0].entries[:i], *new, *run[-1].entries[j:]]
        if not depth:
            self._put_root(whole, leaf=run[0].is_leaf)
            return
        if not whole and run[-1].links[1]:  # a tree begins with a page that has entries
            right = self._covering(run[-1].end, depth)
            self._put(depth, [*run, right], low, right.end, right.entries)
            return
        old = [(node.first, self._bpp, node.block, 0) for node in run]
        if len(run) == 1 and 0 < len(whole) <= PAGE_ENTRIES:
            self._txn.coding.splice(self._page(run[0].block).data, i, j, new)
            run[0].entries[:] = whole
            parts, pages = [whole], [run[0].block]
        else:
            parts, pages = self._spread(run, depth, whole)
        keys = [part[0][0] for part in parts]
        keys[:1] = [min(run[0].first, key) for key in keys[:1]]
        routers = [(key, self._bpp, page, 0) for key, page in zip(keys, pages, strict=True)]
        if routers != old or (depth == 1 and len(whole) <= self._root_limit()):
            above = self._levels(run[0].first, run[-1].first + 1, depth - 1)[-1]
            self._put(depth - 1, above, run[0].first, run[-1].first + 1, routers)

    def _spread(self, run: list[ProvenNode], depth: int, whole: list[Piece]) -> tuple[list[list[Piece]], list[int]]:
        """Let the pages of neighbours have these entries: at the right edge each is filled, elsewhere all are alike."""
        size = PAGE_ENTRIES
        if run[-1].links[1]:
            size = ceil_div(len(whole), ceil_div(len(whole), PAGE_ENTRIES))
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        pages = [node.block for node in run[: len(parts)]]
        pages += [self._new_page() for _ in parts[len(run) :]]
        left, right = run[0].links[0], run[-1].links[1]
        if left and not pages:
            self._link(self._covering(run[0].first - 1, depth), 1, 0)
        if right and pages[-1] != run[-1].block:
            self._link(self._covering(run[-1].end, depth), 0, pages[-1])
        self._write(pages, parts, run[0].is_leaf, left, right)
        for node in run[len(parts) :]:
            self._drop_page(node.block)
        return parts, pages

    def _put_root(self, entries: list[Piece], *, leaf: bool) -> None:
        """Give the root entries: in pages below it where it has no room, and those of its only page where it has."""
        leaf, limit = leaf or not entries, self._root_limit()
        while len(entries) > limit:
            parts = [entries[at : at + PAGE_ENTRIES] for at in range(0, len(entries), PAGE_ENTRIES)]
            pages = [self._new_page() for _ in parts]
            self._write(pages, parts, leaf, 0, 0)
            entries = [(part[0][0] if i else 0, self._bpp, pages[i], 0) for i, part in enumerate(parts)]
            leaf = False
        while not leaf and len(entries) == 1:
            only = self._node(entries[0], (0, 0), NO_END, None)
            if len(only.entries) > limit:
                break
            entries, leaf = only.entries, only.is_leaf
            self._drop_page(only.block)
        self._write_root(entries, leaf)
        self._top = None

    def _levels(self, first: int, end: int, depth: int = MAX_DEPTH) -> list[list[ProvenNode]]:
        """The nodes that cover the blocks `first` to `end` - 1, level by level, down to the leaves or to a depth."""
        levels = [[self._root()]]
        while not levels[-1][0].is_leaf and len(levels) <= depth:
            if len(levels) == MAX_DEPTH:
                raise self._txn.volume.refuse(
                    Fault("xtree-shape", "xtree_header", "flag", 0, f"at most {MAX_DEPTH} levels", "more"),
                    self._at(levels[-1][0].block or None),
                )
            levels.append(self._below(levels[-1], len(levels) - 1, first, end))
        return levels

    def _below(self, run: list[ProvenNode], depth: int, first: int, end: int) -> list[ProvenNode]:
        """The pages below neighbours of a level that cover the blocks `first` to `end` - 1."""
        found: list[ProvenNode] = []
        for node in run:
            routers = node.entries
            low = max(bisect_right(routers, (first, NO_END)) - 1, 0)
            for i in range(low, max(bisect_left(routers, (end,)), low + 1)):
                is_last = i + 1 == len(routers)
                left = routers[i - 1] if i else self._cousin(node, depth, 0)
                right = self._cousin(node, depth, 1) if is_last else routers[i + 1]
                stop = node.end if is_last else routers[i + 1][0]
                kind = found[0].is_leaf if found else None
                found.append(self._node(routers[i], (left[2], right[2]), stop, kind))
        return found

    def _cousin(self, node: ProvenNode, depth: int, side: int) -> Piece:
        """The last router of the left sibling (0) of a node, or the first of the right one (1)."""
        if not node.links[side]:
            return 0, 0, 0, 0
        return self._covering(node.end if side else node.first - 1, depth).entries[0 if side else -1]

    def _covering(self, key: int, depth: int) -> ProvenNode:
        return self._levels(key, key + 1, depth)[depth][0]

    def _root(self) -> ProvenNode:
        if self._top is None:
            found = self._txn.coding.sound_root(self._inode.data, self.ROOT_AT, self.ROOM, self._limits)
            if found is None:
                node = self._txn.coding.decode(self._root_bytes(), self._limits, ExtentNodePlace())
                self._refuse(node, None)
                found = bool(node.is_leaf), node.entries.tolist()
            self._top = ProvenNode(0, (0, 0), 0, NO_END, *found)
        return self._top

    def _node(self, router: Piece, links: tuple[int, int], end: int, is_leaf: bool | None) -> ProvenNode:
        """The page that a router leads to; what it is proven to be stays with its image."""
        page, known = self._page(router[2]), self._page(router[2]).proven
        if (
            known is None
            or (known.links, known.first, known.end) != (links, router[0], end)
            or is_leaf
            not in (
                None,
                known.is_leaf,
            )
        ):
            place = ExtentNodePlace(router[2], links, router[0], end, is_leaf=is_leaf)
            node = self._txn.coding.decode(np.frombuffer(bytes(page.data), np.uint8), self._limits, place)
            self._refuse(node, router[2])
            known = ProvenNode(router[2], links, router[0], end, bool(node.is_leaf), node.entries.tolist())
            page.proven = known
        return known

    def _write(self, pages: list[int], parts: list[list[Piece]], leaf: bool, left: int, right: int) -> None:
        """Write neighbours of a level between two others."""
        edges = left, *pages, right
        for i, (page, part) in enumerate(zip(pages, parts, strict=True)):
            image = self._page(page)
            links = edges[i], edges[i + 2]
            self._txn.coding.write_page(image.data, part, leaf=leaf, block=page, length=self._bpp, links=links)
            image.proven = None

    def _link(self, node: ProvenNode, side: int, to: int) -> None:
        """Give a page another left (0) or right (1) sibling."""
        image = self._page(node.block)
        links = (node.links[0], to) if side else (to, node.links[1])
        self._txn.coding.put_links(image.data, links)
        image.proven = None

    def _page(self, page: int) -> PageImage:
        return self._txn.page(XTREE, page, self._inode)

    def _new_page(self) -> int:
        [(address, _)] = self._txn.allocate(self._bpp, near=self._inode.near, contiguous=True)
        self._txn.new_page(XTREE, bytearray(PAGE), address, self._inode)
        self._inode.blocks += self._bpp
        return address

    def _drop_page(self, page: int) -> None:
        self._txn.drop_page(XTREE, page, self._inode)
        self._inode.blocks -= self._bpp

    def _refuse(self, node: ExtentNode, page: int | None) -> None:
        for fault in node.faults:
            raise self._txn.volume.refuse(fault, self._at(page))

    def _at(self, page: int | None) -> int:
        return self._inode.at + self.ROOT_AT if page is None else page * self._txn.volume.block_size

    def _root_bytes(self) -> NDArray[np.uint8]:
        return np.frombuffer(bytes(self._inode.data[self.ROOT_AT : self.ROOT_AT + self.ROOM * ENTRY]), np.uint8)

    def _root_limit(self) -> int:
        """Entries that the root has room for: inline attributes take the end of it."""
        flag = self._inode.data[self._txn.coding.attributes_at]
        return SHORT_ROOT_ENTRIES if flag & INLINE_FLAG else ROOT_ENTRIES

    def _write_root(self, entries: Sequence[Piece], leaf: bool) -> None:
        inode, coding = self._inode, self._txn.coding
        fits = len(entries) <= SHORT_ROOT_ENTRIES and leaf
        most = coding.maxentry(inode.data, self.ROOT_AT)
        if self._root_limit() == ROOT_ENTRIES and not (fits and most == SHORT_ROOT_MAXENTRY):
            most = ROOT_MAXENTRY
            inode.mode_word &= ~coding.dialect.inode_form.inline_area_mark  # their area is taken, for good
        coding.write_root(inode.data, self.ROOT_AT, entries, leaf=leaf, maxentry=most)
