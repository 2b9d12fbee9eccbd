"""Reading directories: all entries of one or of many, or one by its name.

Source: [jfs2 2.5] and [jfs2 invariant 60] to [jfs2 invariant 72].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ..nodes.tree_flags import MAX_DEPTH
from ..volume import Volume
from .dtree import DirectoryTreeReader, TreeNode, passing

if TYPE_CHECKING:  # many directories at once: a lookup does without
    from ..nodes.directory_leaves import LeafEntries

_TOGETHER = 256
"""Leaves that are decoded at a time."""


class DirectoryEntry(NamedTuple):
    """A directory entry."""

    name: bytes
    number: int
    """Inode number."""


class DirectoryReader:
    """Reads directories of one file system.

    Args:
        volume: the file system.
        indexed: entries carry a directory index (Linux dialect).

    Attributes:
        codec: takes nodes of its directories apart.
    """

    def __init__(self, volume: Volume, *, indexed: bool) -> None:
        self._nodes = DirectoryTreeReader(volume, indexed=indexed)
        self.codec = self._nodes.codec

    def entries(self, root: bytes, *, at: int, pages: list[tuple[int, int]] | None = None) -> Iterator[DirectoryEntry]:
        """All entries in the order of the tree.

        Args:
            root: the tree root in the inode, 288 bytes.
            at: byte offset of the root in the device, for messages.
            pages: receives (address, length) in blocks of every page of the tree.

        Raises:
            CorruptImage: the directory makes no sense.
        """
        for found in self._decoded((0, leaf) for leaf in self._leaves(root, at, pages)):
            yield from map(DirectoryEntry, found.names(), found.numbers.tolist())

    def entries_of(
        self, roots: Iterable[tuple[bytes, int]], skipped: list[CorruptImage] | None = None
    ) -> Iterator[LeafEntries]:
        """The entries of many directories, some hundred leaves at a time, in the order of directories and trees.

        Args:
            roots: tree root in the inode (288 bytes) and its byte offset in the device, for each.
            skipped: receives what is wrong with a node that is passed over; without it that is an error.

        Yields:
            Entries whose `leaf` is the index of their directory in `roots`.

        Raises:
            CorruptImage: a directory makes no sense.
        """
        leaves = ((i, leaf) for i, (root, at) in enumerate(roots) for leaf in self._leaves(root, at, None, skipped))
        return self._decoded(leaves, skipped)

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
        from ..nodes.directory_leaves import decode_leaf_roots

        return decode_leaf_roots(self.codec, roots)

    def lookup(self, root: bytes, name: bytes, *, at: int) -> int | None:
        """Inode number of the entry called `name`, or None.

        Raises:
            CorruptImage: the part of the directory that was looked at makes no sense.
        """
        nodes = self._nodes
        coded = self.codec.dialect.encode_name(name)
        node = nodes.root(root, at)
        seen: set[int] = set()
        for _ in range(MAX_DEPTH):
            after = nodes.first_after(node, coded)
            table = node.header.table
            if node.header.is_leaf:
                slot = table[after - 1] if after else -1
                return nodes.number(node, slot) if after and nodes.coded(node, slot) == coded else None
            node = nodes.child(node, table[max(after, 1) - 1], seen)
        raise nodes.too_deep(node)

    def _leaves(
        self, root: bytes, at: int, pages: list[tuple[int, int]] | None, skipped: list[CorruptImage] | None = None
    ) -> Iterator[TreeNode]:
        """The leaves from left to right, by descending the tree."""
        seen: set[int] = set()
        pending: list[tuple[TreeNode, int]] = []
        with passing(skipped):
            pending.append((self._nodes.root(root, at), 1))
        while pending:
            node, depth = pending.pop()
            if node.header.is_leaf:
                yield node
                continue
            children: list[tuple[TreeNode, tuple[int, int]]] = []
            with passing(skipped):
                if depth >= MAX_DEPTH:
                    raise self._nodes.too_deep(node)
                children = self._nodes.children(node, seen, skipped)
            if pages is not None:
                pages += [extent for _, extent in children]
            pending.extend((child, depth + 1) for child, _ in reversed(children))

    def _decoded(
        self, leaves: Iterator[tuple[int, TreeNode]], skipped: list[CorruptImage] | None = None
    ) -> Iterator[LeafEntries]:
        """The entries of leaves, some hundred at a time; `leaf` is the number that comes with each leaf."""
        while (found := self._some(leaves, skipped)) is not None:
            yield found

    def _some(self, leaves: Iterator[tuple[int, TreeNode]], skipped: list[CorruptImage] | None) -> LeafEntries | None:
        """The entries of the next some hundred leaves; None at the end."""
        batch = list(islice(leaves, _TOGETHER))
        if not batch:
            return None
        owners = np.array([owner for owner, _ in batch])
        found = self._together([leaf for _, leaf in batch], skipped)
        return found._replace(leaf=owners[found.leaf])

    def _together(self, leaves: list[TreeNode], skipped: list[CorruptImage] | None) -> LeafEntries:
        """The entries of leaves in their order; those of one size are taken apart together."""
        from ..nodes.directory_leaves import LeafEntries, Leaves, decode_leaves

        parts = [LeafEntries.of(0, [], [])] if skipped is not None else []
        for size in {leaf.header.slots for leaf in leaves}:
            which = [i for i, leaf in enumerate(leaves) if leaf.header.slots == size]
            odd = which
            if len(which) > 1:
                part = decode_leaves(self.codec, Leaves.of([leaves[i].header for i in which]))
                parts.append(part._replace(leaf=np.array(which)[part.leaf]))
                odd = np.array(which)[~part.good].tolist()
            for i in odd:  # what is wrong with a leaf is said slot by slot
                with passing(skipped):
                    numbers, names = self._nodes.entries(leaves[i], skipped)
                    parts.append(LeafEntries.of(i, numbers, names))
        return LeafEntries.joined(parts)
