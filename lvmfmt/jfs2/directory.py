"""Reading directories: all entries of one or of many, or one by its name.

Source: reference section 2.5 and invariants 60 to 72.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..layout.jfs2 import LEAF_SLOT_INDEXED
from .dialect import Dialect
from .dtree import INTERNAL, LEAF, MAX_DEPTH, NUMBERS, ROOT_SLOTS, HeadSlot, Node, NodeReader
from .volume import Volume

if TYPE_CHECKING:  # many directories at once: a lookup does without
    from .dtree_leaves import LeafEntries, Leaves

_TOGETHER = 256
"""Leaves that are decoded at a time."""


class Entry(NamedTuple):
    """A directory entry."""

    name: bytes
    number: int
    """Inode number."""


class DirectoryReader:
    """Reads directories of one file system.

    Args:
        volume: the file system.
        indexed: entries carry a directory index (Linux dialect).
    """

    def __init__(self, volume: Volume, *, indexed: bool) -> None:
        self._dialect: Dialect = volume.dialect
        structures = self._dialect.structures
        self._leaf = HeadSlot.of(LEAF_SLOT_INDEXED if indexed else structures.leaf_slot)
        self._nodes = NodeReader(volume, self._leaf)
        self._stbl_at = structures.dtree_root.offset_of("stbl")

    def entries(self, root: bytes, *, at: int, pages: list[tuple[int, int]] | None = None) -> Iterator[Entry]:
        """All entries in the order of the tree.

        Args:
            root: the tree root in the inode, 288 bytes.
            at: byte offset of the root in the device, for messages.
            pages: receives (address, length) in blocks of every page of the tree.

        Raises:
            CorruptImage: the directory makes no sense.
        """
        for found in self._decoded((0, leaf) for leaf in self._leaves(root, at, pages)):
            yield from map(Entry, found.names(), found.numbers.tolist())

    def entries_of(self, roots: Iterable[tuple[bytes, int]]) -> Iterator[LeafEntries]:
        """The entries of many directories, some hundred leaves at a time, in the order of directories and trees.

        Args:
            roots: tree root in the inode (288 bytes) and its byte offset in the device, for each.

        Yields:
            Entries whose `leaf` is the index of their directory in `roots`.

        Raises:
            CorruptImage: a directory makes no sense.
        """
        return self._decoded((i, leaf) for i, (root, at) in enumerate(roots) for leaf in self._leaves(root, at, None))

    def pages(self, root: bytes, *, at: int) -> list[tuple[int, int]]:
        """(address, length) in blocks of every page of the tree; see `entries`."""
        pages: list[tuple[int, int]] = []
        for _ in self._leaves(root, at, pages):
            pass
        return pages

    def leaf_roots(self, roots: NDArray[np.uint8]) -> LeafEntries:
        """The entries of the directories that are nothing but a root in order; the others are not `good`.

        Args:
            roots: tree roots in inodes, shape (directories, 288).
        """
        from .dtree_leaves import Leaves, decode_leaves

        heads = roots[:, self._stbl_at : self._stbl_at + ROOT_SLOTS - 1]
        counts = roots[:, 17].astype(np.int64)
        plain = (roots[:, 16] & (LEAF | INTERNAL | 0x01) == LEAF | 0x01) & (counts < ROOT_SLOTS)
        reserved = np.arange(ROOT_SLOTS)[None] == 0
        leaves = Leaves(roots, heads, np.where(plain, counts, 0), reserved, roots[:, 18])
        found = decode_leaves(self._dialect, self._leaf, leaves, NUMBERS)
        return found._replace(good=found.good & plain)

    def lookup(self, root: bytes, name: bytes, *, at: int) -> int | None:
        """Inode number of the entry called `name`, or None.

        Raises:
            CorruptImage: the part of the directory that was looked at makes no sense.
        """
        nodes = self._nodes
        coded = self._dialect.encode_name(name)
        node = nodes.root(root, at)
        seen: set[int] = set()
        for _ in range(MAX_DEPTH):
            after = nodes.first_after(node, coded)
            if node.is_leaf:
                slot = node.slots[after - 1] if after else -1
                return nodes.number(node, slot) if after and nodes.coded(node, slot) == coded else None
            node = nodes.child(node, node.slots[max(after, 1) - 1], seen)
        raise nodes.too_deep(node)

    def _leaves(self, root: bytes, at: int, pages: list[tuple[int, int]] | None) -> Iterator[Node]:
        """The leaves from left to right, by descending the tree."""
        seen: set[int] = set()
        pending = [(self._nodes.root(root, at), 1)]
        while pending:
            node, depth = pending.pop()
            if node.is_leaf:
                yield node
                continue
            if depth >= MAX_DEPTH:
                raise self._nodes.too_deep(node)
            children = self._nodes.children(node, seen)
            if pages is not None:
                pages += [extent for _, extent in children]
            pending.extend((child, depth + 1) for child, _ in reversed(children))

    def _decoded(self, leaves: Iterator[tuple[int, Node]]) -> Iterator[LeafEntries]:
        """The entries of leaves, some hundred at a time; `leaf` is the number that comes with each leaf."""
        while (found := self._some(leaves)) is not None:
            yield found

    def _some(self, leaves: Iterator[tuple[int, Node]]) -> LeafEntries | None:
        """The entries of the next some hundred leaves; None at the end."""
        batch = list(islice(leaves, _TOGETHER))
        if not batch:
            return None
        owners = np.array([owner for owner, _ in batch])
        found = self._together([leaf for _, leaf in batch])
        return found._replace(leaf=owners[found.leaf])

    def _together(self, leaves: list[Node]) -> LeafEntries:
        """The entries of leaves in their order; those of one size are taken apart together."""
        from .dtree_leaves import LeafEntries, decode_leaves

        parts = []
        for size in {leaf.slot_count for leaf in leaves}:
            which = [i for i, leaf in enumerate(leaves) if leaf.slot_count == size]
            odd = which
            if len(which) > 1:
                part = decode_leaves(self._dialect, self._leaf, _matrix([leaves[i] for i in which], size), NUMBERS)
                parts.append(part._replace(leaf=np.array(which)[part.leaf]))
                odd = np.array(which)[~part.good].tolist()
            for i in odd:  # what is wrong with a leaf is said slot by slot
                numbers, names = self._nodes.entries(leaves[i])
                parts.append(LeafEntries.of(i, numbers, names))
        return LeafEntries.joined(parts)


def _matrix(leaves: list[Node], slots: int) -> Leaves:
    """Leaves that are so many slots large, as arrays."""
    from .dtree_leaves import Leaves

    count, width = len(leaves), max(len(leaf.slots) for leaf in leaves)
    raw = np.frombuffer(b"".join([leaf.raw for leaf in leaves]), np.uint8)
    heads = np.frombuffer(b"".join([leaf.slots.ljust(width, b"\0") for leaf in leaves]), np.uint8)
    reserved = np.frombuffer(b"".join([leaf.reserved.to_bytes(16, "little") for leaf in leaves]), np.uint8)
    return Leaves(
        raw.reshape(count, -1),
        heads.reshape(count, width),
        np.array([len(leaf.slots) for leaf in leaves]),
        np.unpackbits(reserved.reshape(-1, 16), axis=1, bitorder="little")[:, :slots].view(bool),
        np.array([leaf.free for leaf in leaves], np.uint8),
    )
