"""Directories: the names that can still be read, and a new tree from names.

Source: [jfs2 2.5], [jfs2 3.5] and [jfs2 invariant 60] to [jfs2 invariant 72].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ...block import BlockDevice
from ..nodes.directory_node import (
    COUNT_AT,
    FLAG_AT,
    FREE_LIST_AT,
    NUMBERS,
    ROOT_SLOTS,
    SLOT,
    DirectoryCodec,
    NodeHeader,
    NodeItem,
    follow,
)
from ..nodes.tree_flags import INTERNAL, LEAF, MAX_DEPTH
from ..superblock import Superblock
from .extents import MOST_PAGES
from .unclaimed_blocks import Ranges

_DOUBTFUL = {"dtree-slots", "dtree-chains"}
"""Faults that leave names in doubt; the list of unused slots follows from the used ones."""


class Name(NamedTuple):
    """A name in a directory."""

    name: bytes
    number: int
    """Inode that it stands for."""
    at: int
    """Byte offset of its head slot in the device."""


@dataclass
class SalvagedNames:
    """What a directory holds.

    Attributes:
        parent: inode number that it names as its parent.
        names: in the order of the tree, each name once.
        lost: how many places there are where a name or a page could not be read.
        removed: names that cannot be names.
        pages: (first block, block after the last) of every page that was read.
    """

    parent: int
    names: list[Name]
    lost: int
    removed: int
    pages: Ranges


class DirectorySalvager:
    """Reads the names of directories, whatever is wrong with their trees.

    Args:
        device: the file system.
        superblock: of it.
    """

    def __init__(self, device: BlockDevice, superblock: Superblock) -> None:
        self._device = device
        self._superblock = superblock
        self._dialect = superblock.dialect

    def read(self, number: int, root: bytes, at: int) -> SalvagedNames:
        """The names in the directory `number` with the root `root` (288 bytes) at byte `at` of the device."""
        return _Reading(self._device, self._superblock).read(root, at)


class _Reading:
    def __init__(self, device: BlockDevice, superblock: Superblock) -> None:
        volume = self.volume = superblock.volume(device)
        indexed = superblock.indexed_directories
        self.codec = DirectoryCodec(volume.dialect, volume.block_size, volume.blocks, indexed=indexed)
        self.found: list[Name] = []
        self.seen: set[int] = set()
        self.known: set[bytes] = set()
        self.lost = self.removed = 0
        self.pages: Ranges = []

    def read(self, root: bytes, at: int) -> SalvagedNames:
        header, _ = self.codec.root(root)
        level = self._node(header, at, root[COUNT_AT] >= ROOT_SLOTS)
        for _ in range(MAX_DEPTH):
            level = [below for address, length in level for below in self._page(address, length)]
            if not level:
                break
        return SalvagedNames(self.codec.parent_of(root), self.found, self.lost, self.removed, self.pages)

    def _page(self, address: int, length: int) -> list[tuple[int, int]]:
        raw, at = self.volume.read(address, length).tobytes(), address * self.volume.block_size
        header, _ = self.codec.page(raw, address)
        return self._node(header, at, not header.table)

    def _likelier(self, header: NodeHeader) -> NodeHeader:
        """A node whose flag says what it is, or of its two readings the one that has more to say."""
        if header.raw[FLAG_AT] & (LEAF | INTERNAL) in (LEAF, INTERNAL):
            return header
        self.lost += 1
        leaf, internal = header._replace(is_leaf=True), header._replace(is_leaf=False)
        children = sum(self._child(internal, item.slot) is not None for item in self.codec.contents(internal).items)
        names = sum(self._names_one(leaf, item) for item in self.codec.contents(leaf).items)
        return internal if children and children >= names else leaf

    def _names_one(self, node: NodeHeader, item: NodeItem) -> bool:
        return self.codec.number_of(node, item.slot) in NUMBERS and not self.codec.bad_names([item.coded])

    def _node(self, header: NodeHeader, at: int, broken: bool) -> list[tuple[int, int]]:
        """Take the names of a leaf, or return the pages below an internal node."""
        node = self._likelier(header)
        contents = self.codec.contents(node)
        items = contents.items
        damaged = broken or any(fault.check in _DOUBTFUL for fault in contents.faults)
        if damaged:
            items = items + self._loose(node, items)
        self.lost += damaged
        if node.is_leaf:
            for item in items:
                self._take(node, at, item)
            return []
        pages = []
        for item in items:
            child = self._child(node, item.slot)
            if child is None or child[0] in self.seen or len(self.seen) > MOST_PAGES:
                self.lost += 1
                continue
            self.seen.add(child[0])
            self.pages.append((child[0], child[0] + child[1]))
            pages.append(child)
        return pages

    def _child(self, node: NodeHeader, slot: int) -> tuple[int, int] | None:
        child = self.codec.child_of(node, slot)
        return child if self.codec.fault_of_extent(slot, *child) is None else None

    def _take(self, node: NodeHeader, at: int, item: NodeItem) -> None:
        if not self._names_one(node, item) or item.coded in self.known:
            self.removed += 1
            return
        self.known.add(item.coded)
        name, number = self.codec.dialect.decode_name(item.coded), self.codec.number_of(node, item.slot)
        self.found.append(Name(name, number, at + item.slot * SLOT))

    def _loose(self, node: NodeHeader, items: list[NodeItem]) -> list[NodeItem]:
        """Entries or routers in slots that neither the table nor the free list leads to, one by one."""
        raw, head = node.raw, self.codec.head(node)
        used = node.reserved
        for item in items:
            used = follow(node, raw[item.slot * SLOT + head.next], used | 1 << item.slot)[1]
        _, used, _ = follow(node, raw[FREE_LIST_AT], used)
        inner: set[int] = set()
        result = []
        for slot in range(1, node.slots):
            chain, own, _ = follow(node, raw[slot * SLOT + head.next], 1 << slot)
            units = raw[slot * SLOT + head.length]
            whole = 1 + len(chain) == head.slots(units * self.codec.dialect.name_unit)
            if not used >> slot & 1 and units and whole and not own & used:
                inner.update(chain)
                result.append(slot)
        entries = []
        for slot in result:
            if slot not in inner:
                entries += self.codec.contents(node._replace(table=bytes([slot]), reserved=1)).items
        return [item for item in entries if not node.is_leaf or self._names_one(node, item)]
