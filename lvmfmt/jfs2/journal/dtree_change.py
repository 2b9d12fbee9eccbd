"""Inserting into and deleting from a directory tree inside a transaction.

Every node is proven before its first change. Pages are full ones of 4096 bytes. The only page of an AIX directory may
be smaller when another writer made it: it is read as it is, and replaced by a full page before its first change.
Source: [jfs2 3.5].
"""

from __future__ import annotations

from ...errors import AlreadyExists, NotFound
from ..dialect.log_form import DTREE
from ..geometry import PAGE
from ..nodes.directory_node import DIRECTORY_SIZE_OF_ROOT, FULL_PAGE_SLOTS
from ..nodes.tree_flags import MAX_DEPTH, ROOT_INTERNAL, ROOT_LEAF
from .dir_index import DirectoryIndex
from .dtree_node import NodeImage
from .dtree_proof import NodeProver, Path
from .images import InodeImage
from .transaction import Transaction

_HALF = FULL_PAGE_SLOTS // 2


class DirectoryTree:
    """The entries of a directory, for one transaction. Keys are those of `Dialect.sort_key`.

    Args:
        txn: the transaction.
        inode: the directory.
        above: inode number of the directory that it is in; None if that is not known.

    Every change raises `CorruptImage` for a node with a fault, before anything is written.
    """

    def __init__(self, txn: Transaction, inode: InodeImage, above: int | None = None) -> None:
        self._txn, self._inode = txn, inode
        self._form = txn.form
        self._root = inode.root(txn.form)
        self._index = DirectoryIndex(txn, inode) if txn.form.index_at else None
        self._prover = NodeProver(txn, inode, self._page, self._index, above)
        self._moved: dict[int, tuple[NodeImage, int]] = {}  # leaves by address, and their first entry that has moved

    @property
    def is_empty(self) -> bool:
        """Whether it has no entries."""
        return not len(self._root)

    @property
    def parent(self) -> int:
        """Inode number of the directory that it is in."""
        return self._root.parent

    @parent.setter
    def parent(self, number: int) -> None:
        self._prover.prove([(0, self._root, 0)])
        self._root.parent = number

    def prove_parent(self) -> None:
        """Prove that it is in the directory `above`; raises `CorruptImage`."""
        self._prover.prove_parent()

    def lookup(self, key: bytes) -> int | None:
        """Inode number of an entry."""
        path, found = self._search(key)
        _, leaf, index = path[-1]
        return leaf.number(index) if found else None

    def insert(self, key: bytes, number: int) -> None:
        """Add an entry.

        Raises:
            AlreadyExists: there is one with this key.
            NoSpace: a page is needed, and there is none.
        """
        path, found = self._search(key)
        if found:
            raise AlreadyExists("the directory has an entry of this name", where=self._txn.volume.where)
        self._prove(path)
        value = self._form.number.pack(number)
        if self._index is not None:
            value += self._form.index.pack(self._index.add())
        self._insert(path, path[-1][2], key, value)
        self._settle()

    def replace(self, key: bytes, number: int) -> None:
        """Let an entry name another inode."""
        _, leaf, index = self._existing(key)[-1]
        leaf.set_number(index, number)

    def remove(self, key: bytes) -> None:
        """Take an entry away; pages that become empty are given back, never merged."""
        path = self._existing(key)
        address, leaf, position = path[-1]
        if self._index is not None:
            self._index.free(leaf.indexes(position)[0], self._index_after(path))
            self._moved[address] = leaf, position
        leaf.remove(position)
        self._settle()
        while not len(path[-1][1]):
            address, node, _ = path.pop()
            if not path:
                node.reset(ROOT_LEAF)
                if self._index is None:
                    self._inode.size = DIRECTORY_SIZE_OF_ROOT
                else:
                    self._index.drop()
                return
            self._unlink([*path, (address, node, 0)])
            _, parent, index = path[-1]
            parent.remove(index)
            # the first router of the left edge has no key: everything that is not above another goes there
            if index == 0 and len(parent) and all(at == 0 for _, _, at in path[:-1]):
                value = parent.value(0)
                parent.remove(0)
                parent.insert(0, b"", value)

    def _existing(self, key: bytes) -> Path:
        """The way to an entry that is going to be changed."""
        path, found = self._search(key)
        if not found:
            raise NotFound("no such name in the directory", where=self._txn.volume.where)
        self._prove(path)
        return path

    def _prove(self, path: Path) -> None:
        """Prove all that a change at the end of a path needs, and make room for one."""
        self._prover.prove(path)
        self._prover.prove_names()
        self._widen(path)

    def _settle(self) -> None:
        """Let the index say where entries are that have moved."""
        if self._index is not None:
            for address, (leaf, first) in self._moved.items():
                self._index.settle(address, leaf, first)
        self._moved.clear()

    def _index_after(self, path: Path) -> int | None:
        """The index of the entry after one in a leaf, None for the last of all."""
        _, leaf, position = path[-1]
        if position + 1 < len(leaf):
            return leaf.indexes(position + 1)[0]
        following = self._beside(path, 1)
        return following.indexes()[0] if following else None

    def _beside(self, path: Path, step: int) -> NodeImage | None:
        """The page before (-1) or after (1) the last one of a path on its level, ready to be changed."""
        way = self._prover.beside(path[:-1], step)
        if way is None:
            return None
        address, length = way[-1][1].child(way[-1][2])
        node = self._page(address, length)
        self._prover.prove([*way, (address, node, 0)])
        return node

    def _page(self, address: int, length: int = 0) -> NodeImage:
        return self._txn.page(DTREE, address, self._inode, length).node(self._form)

    def _search(self, key: bytes) -> tuple[Path, bool]:
        address, node = 0, self._root
        path: Path = []
        for _ in range(MAX_DEPTH):
            index, found = node.find(key)
            if node.is_leaf:
                path.append((address, node, index))
                return path, found
            index = index if found else max(index - 1, 0)
            path.append((address, node, index))
            address, length = node.child(index)
            node = self._page(address, length)
        raise self._txn.volume.corrupt("dtree_page_header", "flag", None, f"at most {MAX_DEPTH} levels", "more")

    def _widen(self, path: Path) -> None:
        """Let a full page take the place of a small one at the end of a path."""
        address, small, index = path[-1]
        if not small.is_small:
            return
        self._txn.drop_page(DTREE, address, self._inode)
        _, length = self._root.child(0)
        self._inode.blocks -= length
        self._inode.size = DIRECTORY_SIZE_OF_ROOT
        new, page = self._new_page(leaf=True, near=address)
        for i, key in enumerate(small.keys):
            page.insert(i, key, small.value(i))
        self._root.set_value(0, self._pxd(new))
        path[-1] = new, page, index

    def _insert(self, path: Path, index: int, key: bytes, value: bytes) -> None:
        """Put an entry into the last node of a path, which is split where it has no room."""
        address, node, _ = path[-1]
        if node.slots_of(key) <= node.free:
            node.insert(index, key, value)
            if node.is_leaf:
                self._moved[address] = node, index
        elif node.is_root:
            self._split_root(node).insert(index, key, value)
        else:
            self._split_page(path, index, key, value)

    def _pxd(self, address: int) -> bytes:
        return self._form.coding.pxd(address, self._txn.volume.blocks_per_page)

    def _new_page(self, *, leaf: bool, near: int) -> tuple[int, NodeImage]:
        bpp = self._txn.volume.blocks_per_page
        [(address, _)] = self._txn.allocate(bpp, near=near, contiguous=True)
        page = self._txn.new_page(DTREE, self._form.empty_page(address, leaf=leaf), address, self._inode)
        inode = self._inode
        inode.blocks += bpp
        if leaf and self._index is None:
            inode.size = (0 if inode.size == DIRECTORY_SIZE_OF_ROOT else inode.size) + PAGE
        node = page.node(self._form)
        if leaf:
            self._moved[address] = node, 0
        return address, node

    def _split_root(self, root: NodeImage) -> NodeImage:
        """Move everything of a root into a page below it."""
        address, page = self._new_page(leaf=root.is_leaf, near=self._inode.near)
        for i, key in enumerate(root.keys):
            page.insert(i, key, root.value(i))
        root.reset(ROOT_INTERNAL)
        root.insert(0, b"", self._pxd(address))
        return page

    def _split_page(self, path: Path, index: int, key: bytes, value: bytes) -> None:
        """Add a page to the right of a full one, and a router for it above."""
        address, left, _ = path[-1]
        following, previous = left.siblings
        neighbour = self._beside(path, 1)
        new_address, right = self._new_page(leaf=left.is_leaf, near=address)
        right.siblings = following, address
        left.siblings = new_address, previous
        if neighbour is not None:
            neighbour.siblings = neighbour.siblings[0], new_address
        if not following and index == len(left):
            right.insert(0, key, value)
        else:
            stay = self._stay(left, index, key)
            for i, source in enumerate(range(stay, len(left))):
                right.insert(i, left.keys[source], left.value(source))
            for source in range(len(left) - 1, stay - 1, -1):
                left.remove(source)
            if index <= stay:
                left.insert(index, key, value)
                if left.is_leaf:
                    self._moved[address] = left, index
            else:
                right.insert(index - stay, key, value)
        parent_at, parent, followed = path[-2]
        router = right.keys[0]
        if left.is_leaf and (followed or (parent_at and parent.siblings[1])):
            router = self._separator(left.keys[-1], router)
        self._insert(path[:-1], followed + 1, router, self._pxd(new_address))

    def _stay(self, node: NodeImage, index: int, key: bytes) -> int:
        """How many entries of a full page stay in it: half of the slots, the new entry counted at its place."""
        used = 0
        for i, present in enumerate(node.keys):
            if i == index:
                used += node.slots_of(key)
                if used >= _HALF:
                    return max(i, 1)
            used += node.slots_of(present)
            if used >= _HALF and i + 1 < len(node):
                return i + 1
        return len(node) - 1

    def _separator(self, left: bytes, right: bytes) -> bytes:
        """Just enough of `right` to be above `left`."""
        unit = self._form.unit
        end = min(len(left), len(right))
        common = next((i for i in range(0, end, unit) if left[i : i + unit] != right[i : i + unit]), end)
        return right[: common + unit]

    def _unlink(self, path: Path) -> None:
        """Take the empty page at the end of a path out of its row of siblings, and give it back."""
        address, node, _ = path[-1]
        following, previous = node.siblings
        left, right = self._beside(path, -1), self._beside(path, 1)
        if right is not None:
            right.siblings = right.siblings[0], previous
        if left is not None:
            left.siblings = following, left.siblings[1]
        self._inode.blocks -= self._txn.volume.blocks_per_page
        if node.is_leaf and self._index is None:
            self._inode.size -= PAGE
        self._txn.drop_page(DTREE, address, self._inode)
