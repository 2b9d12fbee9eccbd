"""Proof that nothing is wrong with a node of a directory, before its first change.

What the node says by itself is judged as it is read; here it is compared with what lies around it: the nodes above
and beside, the pages below, the inode map, the directory's index. A node is proven once, and stays so while it is in
memory. Once a mount, all leaves of a directory together are searched for inodes that have more names than links. What
another directory names is not looked at: that would cost reading every inode.
Source: [jfs2 invariant 60] to [jfs2 invariant 75].
"""

from __future__ import annotations

import stat
from collections.abc import Callable

import numpy as np

from ..nodes.directory_node import ROOT_BYTES, SLOT, PagePlace
from ..nodes.extent_node import ROOT_OFFSET
from ..nodes.fault import Fault
from ..reading.directory import DirectoryReader
from .dir_index import DirectoryIndex
from .dtree_node import NodeImage
from .images import InodeImage
from .transaction import Transaction

Path = list[tuple[int, NodeImage, int]]
"""(block address, 0 for the root; node; index that was followed) from the root down."""


class NodeProver:
    """Proves the nodes of one directory.

    Args:
        txn: the transaction that wants to change them.
        directory: whose nodes they are.
        page: gives the page at an address that is so many blocks long.
        index: of the directory, if it has one.
        above: inode number of the directory that it is in; None if that is not known.
    """

    def __init__(
        self,
        txn: Transaction,
        directory: InodeImage,
        page: Callable[[int, int], NodeImage],
        index: DirectoryIndex | None,
        above: int | None,
    ) -> None:
        self._txn, self._directory, self._page, self._index, self._above = txn, directory, page, index, above
        self._codec = txn.form.codec

    def prove(self, path: Path) -> None:
        """Prove all nodes on a way down.

        Raises:
            CorruptImage: something is wrong with one.
        """
        for depth, (_, node, _) in enumerate(path):
            if node.decoded is not None:
                self._prove(path[:depth], path[depth])
        self.prove_parent()

    def prove_parent(self) -> None:
        """Prove that the directory says itself that it is where its name was found.

        Raises:
            CorruptImage: its `..` is another directory.
        """
        root = self._directory.root(self._txn.form)
        if self._above is not None and root.parent != self._above:
            at = self._codec.parent_at
            fault = Fault("directory-parent", "dtree_root", "idotdot", at, self._above, root.parent)
            raise self._txn.form.stop(fault, root.place)

    def prove_names(self) -> None:
        """Prove, before the first change of its entries, that no inode has more names in the directory than links.

        Raises:
            CorruptImage: one has, or a node that this passes makes no sense.
        """
        directory, txn = self._directory, self._txn
        if directory.number in txn.sound_directories:
            return
        root = directory.root(txn.form)
        if not root.is_leaf:  # else it was looked at as the only leaf
            reader = DirectoryReader(txn.volume, indexed=bool(txn.form.index_at))
            raw = bytes(directory.data[ROOT_OFFSET : ROOT_OFFSET + ROOT_BYTES])
            found = [part.numbers for part in reader.entries_of([(raw, root.place)])]
            numbers, names = np.unique(np.concatenate(found), return_counts=True)
            for i in np.flatnonzero(names > 1).tolist():
                number = int(numbers[i])
                if names[i] > (most := self._most_names(number)):
                    expected = f"at most {most} names of inode {number} in directory {directory.number}"
                    raise txn.volume.corrupt("dtree_leaf_slot", "inumber", root.place, expected, int(names[i]))
        txn.sound_directories.add(directory.number)

    def beside(self, path: Path, step: int) -> Path | None:
        """The way to the entry before (-1) or after (1) the one at the end of a path; None at the edge."""
        for depth in range(len(path) - 1, -1, -1):
            address, node, index = path[depth]
            if 0 <= index + step < len(node):
                found = [*path[:depth], (address, node, index + step)]
                while len(found) < len(path):
                    _, node, index = found[-1]
                    address, length = node.child(index)
                    node = self._page(address, length)
                    if node.is_leaf:
                        raise self._txn.volume.corrupt(
                            "dtree_page_header", "flag", node.place, "an internal page", "a leaf"
                        )
                    found.append((address, node, 0 if step > 0 else len(node) - 1))
                return found
        return None

    def _prove(self, above: Path, entry: tuple[int, NodeImage, int]) -> None:
        address, node, _ = entry
        assert node.decoded is not None
        header, contents, faults = node.decoded
        if above:
            faults = faults + self._codec.faults_of_place(header, contents, self._place(above))
        if not above and not node.is_leaf:
            faults = faults + self._codec.faults_of_edge(contents.items, leftmost=True)
        if not faults:
            faults = self._entries(address, node) if node.is_leaf else []
        if faults:
            raise self._txn.form.stop(faults[0], node.place)
        if not node.is_leaf:
            self._children([*above, entry])
        node.decoded = None

    def _place(self, above: Path) -> PagePlace:
        """Where the router at the end of a path says that its page is."""
        _, parent, index = above[-1]
        address, length = parent.child(index)
        high = next((node.keys[i + 1] for _, node, i in reversed(above) if i + 1 < len(node)), None)
        leftmost = all(i == 0 for _, _, i in above)
        beside = [self.beside(above, step) for step in (-1, 1)]
        previous, following = (way[-1][1].child(way[-1][2])[0] if way else 0 for way in beside)
        alone = len(above) == len(parent) == 1
        return PagePlace(address, length, parent.keys[index], high, leftmost, previous, following, alone)

    def _entries(self, address: int, leaf: NodeImage) -> list[Fault]:
        """Entries of inodes that are not in use or have fewer names, or that the index does not know."""
        codec, numbers, inode_map = self._codec, leaf.numbers(), self._txn.inode_map
        faults = [
            codec.fault_of_number(leaf.slot(i), number)
            for i, number in enumerate(numbers)
            if not inode_map.is_used(number)
        ]
        if len(set(numbers)) < len(numbers) and not faults:
            faults = [
                codec.fault_of_number(leaf.slot(i), number)
                for i, number in enumerate(numbers)
                if numbers.count(number) > self._most_names(number)
            ]
        if self._index is not None and not faults:
            expected = "an index that leads here"
            faults = [
                Fault("directory-index", "dtree_leaf_slot", "index", leaf.slot(i) * SLOT, expected, index)
                for i, index in enumerate(leaf.indexes())
                if not self._index.agrees(address, leaf, i)
            ]
        return faults

    def _most_names(self, number: int) -> int:
        """How many names an inode may have."""
        inode = self._txn.inode(number, self._txn.inode_map.place(number))
        return 1 if inode.kind == stat.S_IFDIR else inode.links

    def _children(self, path: Path) -> None:
        """Judge the pages below an internal node where they are: header, neighbours, first and last name."""
        *above, (address, node, _) = path
        volume, kinds = self._txn.volume, set()
        pages = [node.child(i) for i in range(len(node))]
        end = len(pages) - 1
        first, last = (self._place([*above, (address, node, i)]) for i in (0, end))
        for i, (block, length) in enumerate(pages):
            image = self._txn.pages.get(block)
            raw = bytes(image.data) if image else volume.read(block, length).tobytes()
            header, faults = self._codec.page(raw, block)
            kinds.add(header.is_leaf)
            if not faults:
                contents = self._codec.edges(header)
                place = PagePlace(
                    block,
                    length,
                    node.keys[i],
                    node.keys[i + 1] if i < end else last.high,
                    first.leftmost and i == 0,
                    pages[i - 1][0] if i else first.previous,
                    pages[i + 1][0] if i < end else last.following,
                    first.alone,
                )
                faults = contents.faults + self._codec.faults_of_place(header, contents, place)
            if not faults and len(kinds) > 1:
                faults = [Fault("dtree-shape", "dtree_page_header", "flag", 16, "pages of one kind", hex(raw[16]))]
            if faults:
                raise self._txn.form.stop(faults[0], block * volume.block_size)
