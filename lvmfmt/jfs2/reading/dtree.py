"""The way down a directory tree: its nodes one after the other, the first fault an error.

Source: [jfs2 2.5] and [jfs2 invariant 60] to [jfs2 invariant 72].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ...errors import CorruptImage
from ..nodes.directory_node import NUMBERS, SLOT, DirectoryCodec, NodeContents, NodeHeader
from ..nodes.fault import Fault
from ..nodes.tree_flags import MAX_DEPTH
from ..volume import Volume

Extent = tuple[int, int]
"""Address and length in blocks."""


@contextmanager
def passing(skipped: list[CorruptImage] | None) -> Iterator[None]:
    """Note what makes no sense and go on behind the block; without a list it stays an error."""
    try:
        yield
    except CorruptImage as error:
        if skipped is None:
            raise
        skipped.append(error)


class TreeNode(NamedTuple):
    """A root or page of a directory.

    Attributes:
        header: what it says of itself.
        at: its byte offset in the device.
    """

    header: NodeHeader
    at: int


class DirectoryTreeReader:
    """Reads the nodes of directories. Every method raises `CorruptImage` for a fault that misleads.

    Args:
        volume: the file system.
        indexed: entries carry a directory index (Linux dialect).
    """

    def __init__(self, volume: Volume, *, indexed: bool) -> None:
        self._volume = volume
        self.codec = DirectoryCodec(volume.dialect, volume.block_size, volume.blocks, indexed=indexed)

    def root(self, raw: bytes, at: int) -> TreeNode:
        """The tree root in an inode, 288 bytes that lie `at` this byte of the device."""
        header, faults = self.codec.root(raw)
        self._stop(faults, at)
        return TreeNode(header, at)

    def children(
        self, node: TreeNode, seen: set[int], skipped: list[CorruptImage] | None = None
    ) -> list[tuple[TreeNode, Extent]]:
        """The pages that the routers of a node point to, and their extents.

        Args:
            node: an internal one.
            seen: addresses of pages that are in the tree already; takes those of these, too.
            skipped: receives what is wrong with a router or a page that is passed over; without it that is an error.
        """
        extents = []
        for item in self.contents(node).items:
            with passing(skipped):
                extents.append(self._extent(node, item.slot, seen))
        pages, found = self._read(extents), []
        for extent in extents:
            with passing(skipped):
                found.append((self._page(pages[extent], extent[0]), extent))
        return found

    def child(self, node: TreeNode, slot: int, seen: set[int]) -> TreeNode:
        """The page that the router in a slot points to."""
        address, length = self._extent(node, slot, seen)
        return self._page(self._volume.read(address, length).tobytes(), address)

    def contents(self, node: TreeNode) -> NodeContents:
        """What is in a node."""
        contents = self.codec.contents(node.header)
        self._stop(contents.faults, node.at)
        return contents

    def entries(self, leaf: TreeNode, skipped: list[CorruptImage] | None = None) -> tuple[list[int], list[bytes]]:
        """Inode numbers and names of the entries of a leaf, slot by slot.

        Args:
            leaf: the node.
            skipped: receives what is wrong with entries that are passed over; without it that is an error.
        """
        codec, contents = self.codec, self.codec.contents(leaf.header)
        for fault in contents.faults:
            with passing(skipped):
                self._stop([fault], leaf.at)
        bad = set(codec.bad_names([item.coded for item in contents.items]))
        found = [(codec.number_of(leaf.header, item.slot), item.coded) for item in contents.items]
        found = [one for i, one in enumerate(found) if i not in bad and one[0] in NUMBERS]
        return [number for number, _ in found], [codec.dialect.decode_name(coded) for _, coded in found]

    def first_after(self, node: TreeNode, coded: bytes) -> int:
        """Index in the sorted table of the first key behind a name; the first router of all counts as before it."""
        order = self.codec.dialect.sort_key
        header, key = node.header, order(coded)
        low, high = (0 if header.is_leaf else 1), len(header.table)
        while low < high:
            middle = (low + high) // 2
            if order(self.coded(node, header.table[middle])) > key:
                high = middle
            else:
                low = middle + 1
        return low

    def coded(self, node: TreeNode, slot: int) -> bytes:
        """The on-disk key of an entry, which may lie anywhere in the node."""
        coded, fault = self.codec.coded(node.header, slot)
        if fault is not None:
            self._stop([fault], node.at)
        return coded

    def number(self, node: TreeNode, slot: int) -> int:
        """Inode number of the entry in a slot of a leaf."""
        number = self.codec.number_of(node.header, slot)
        if number not in NUMBERS:
            self._stop([self.codec.fault_of_number(slot, number)], node.at)
        return number

    def too_deep(self, node: TreeNode) -> Exception:
        """The error for a tree with a node at a depth where none can be."""
        return self._volume.corrupt("dtree_page_header", "flag", node.at + 16, f"at most {MAX_DEPTH} levels", "more")

    def _stop(self, faults: Iterable[Fault], at: int) -> None:
        for fault in faults:
            if fault.misleads:
                raise self._volume.corrupt(fault.structure, fault.field, at + fault.offset, fault.expected, fault.found)

    def _read(self, extents: list[Extent]) -> dict[Extent, bytes]:
        """The bytes of pages; those that follow each other are read together."""
        pages = {}
        size = self._volume.block_size
        order = sorted(extents)
        first = 0
        for i, (address, length) in enumerate(order, 1):
            if i == len(order) or order[i][0] != address + length:
                start = order[first][0]
                run = self._volume.read(start, address + length - start).tobytes()
                for extent in order[first:i]:
                    at = (extent[0] - start) * size
                    pages[extent] = run[at : at + extent[1] * size]
                first = i
        return pages

    def _extent(self, node: TreeNode, slot: int, seen: set[int]) -> Extent:
        """(address, length) in blocks of the page that the router in a slot points to."""
        address, length = self.codec.child_of(node.header, slot)
        fault = self.codec.fault_of_extent(slot, address, length)
        self._stop([fault] if fault else [], node.at)
        if address in seen:
            expected, at = "a page that is not in the tree yet", node.at + slot * SLOT
            raise self._volume.corrupt("dtree_internal_slot", "pxd", at, expected, address)
        seen.add(address)
        return address, length

    def _page(self, raw: bytes, address: int) -> TreeNode:
        at = address * self._volume.block_size
        header, faults = self.codec.page(raw, address)
        self._stop(faults, at)
        return TreeNode(header, at)
