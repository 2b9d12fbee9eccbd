"""Directories: the names that can still be read, and a new tree from names.

Source: reference sections 2.5 and 3.5, invariants 60 to 72.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from ...block import BlockDevice
from ..check.dtree_nodes import STBL_SLOTS, Item, Node, NodeReader
from ..check.findings import Report
from ..check.subject import Subject
from ..dtree import INTERNAL, LEAF, MAX_DEPTH, MAX_INODES, ROOT_INODE, ROOT_SLOTS, SLOT
from ..superblock import Superblock
from .room import Ranges

_MOST_PAGES = 1 << 20
_END = 0xFF
_FREE_LIST = "dtree-free-list"
"""The finding that leaves no doubt about the names: the list of unused slots follows from the used ones."""


class Name(NamedTuple):
    """A name in a directory."""

    name: bytes
    number: int
    """Inode that it stands for."""
    at: int
    """Byte offset of its head slot in the device."""


@dataclass
class Names:
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

    def read(self, number: int, root: bytes, at: int) -> Names:
        """The names in the directory `number` with the root `root` (288 bytes) at byte `at` of the device."""
        return _Reading(self._device, self._superblock, number).read(root, at)


class _Reading:
    def __init__(self, device: BlockDevice, superblock: Superblock, number: int) -> None:
        self.subject = Subject.of(device, superblock, Report())
        self.dialect = superblock.dialect
        self.reader = NodeReader(self.subject)
        self.number = number
        self.found: list[Name] = []
        self.seen: set[int] = set()
        self.known: set[bytes] = set()
        self.lost = self.removed = 0
        self.pages: Ranges = []

    def read(self, root: bytes, at: int) -> Names:
        level = self._root(root, at)
        for _ in range(MAX_DEPTH):
            level = [node for page in level for node in self._page(*page)]
            if not level:
                break
        return Names(self.reader.parent(root), self.found, self.lost, self.removed, self.pages)

    def _root(self, raw: bytes, at: int) -> list[tuple[int, int]]:
        table = self.reader.root_record.offset_of("stbl")
        count = raw[17]
        kinds = [kind for kind in (LEAF, INTERNAL) if raw[16] & (LEAF | INTERNAL) == kind] or [LEAF, INTERNAL]
        slots = raw[table : table + min(count, ROOT_SLOTS - 1)]
        nodes = [
            Node(self.number, raw, at, self.reader.root_record, kind == LEAF, slots, 1, ROOT_SLOTS) for kind in kinds
        ]
        return self._node(self._likelier(nodes), count >= ROOT_SLOTS)

    def _page(self, address: int, length: int) -> list[tuple[int, int]]:
        volume, record = self.subject.volume, self.reader.page_record
        raw, at = volume.read(address, length).tobytes(), address * volume.block_size
        slots = len(raw) // SLOT
        count, stbl, width = raw[17], raw[21], STBL_SLOTS[slots]
        broken = not 1 <= stbl <= slots - width or not 0 < count < slots - width
        table = b"" if broken else raw[stbl * SLOT : stbl * SLOT + count]
        reserved = 1 if broken else 1 | ((1 << width) - 1) << stbl
        kinds = [kind for kind in (LEAF, INTERNAL) if raw[16] & (LEAF | INTERNAL) == kind] or [LEAF, INTERNAL]
        nodes = [Node(self.number, raw, at, record, kind == LEAF, table, reserved, slots) for kind in kinds]
        return self._node(self._likelier(nodes), broken)

    def _likelier(self, nodes: list[Node]) -> Node:
        """Of two readings of a node the one that has more to say."""
        if len(nodes) == 1:
            return nodes[0]
        self.lost += 1
        leaf, internal = nodes
        children = sum(self._child(internal, item.slot) is not None for item in self.reader.items(internal))
        return internal if children and children >= sum(map(self._names_one, self._leaf_items(leaf))) else leaf

    def _leaf_items(self, node: Node) -> list[tuple[Node, Item]]:
        return [(node, item) for item in self.reader.items(node)]

    def _names_one(self, entry: tuple[Node, Item]) -> bool:
        node, item = entry
        return ROOT_INODE < self.reader.number_of(node.raw, item.slot * SLOT)[0] < MAX_INODES and self._is_name(item)

    def _node(self, node: Node, broken: bool) -> list[tuple[int, int]]:
        """Take the names of a leaf, or return the pages below an internal node."""
        report = self.subject.report
        before = report.counts.copy()
        items = self.reader.items(node)
        damaged = broken or any(name != _FREE_LIST for name in report.counts - before)
        if damaged:
            items += self._loose(node, items)
        self.lost += damaged
        if node.is_leaf:
            for item in items:
                self._take(node, item)
            return []
        pages = []
        for item in items:
            child = self._child(node, item.slot)
            if child is None or child[0] in self.seen or len(self.seen) > _MOST_PAGES:
                self.lost += 1
                continue
            self.seen.add(child[0])
            self.pages.append((child[0], child[0] + child[1]))
            pages.append(child)
        return pages

    def _child(self, node: Node, slot: int) -> tuple[int, int] | None:
        s = self.subject
        pxd = self.reader.internal.record.table(node.raw[slot * SLOT : slot * SLOT + SLOT], 1)["pxd"][0]
        address, length = s.pxd(pxd)
        size = length * s.volume.block_size
        return (
            (address, length) if s.inside(address, length) and size % SLOT == 0 and size // SLOT in STBL_SLOTS else None
        )

    def _take(self, node: Node, item: Item) -> None:
        child = int(self.reader.number_of(node.raw, item.slot * SLOT)[0])
        if not self._is_name(item) or not ROOT_INODE < child < MAX_INODES:
            self.removed += 1
            return
        if item.coded in self.known:
            self.removed += 1
            return
        self.known.add(item.coded)
        self.found.append(Name(self.dialect.decode_name(item.coded), child, node.at + item.slot * SLOT))

    def _is_name(self, item: Item) -> bool:
        if not item.coded or len(item.coded) % self.dialect.name_unit:
            return False
        name = self.dialect.decode_name(item.coded)
        return bool(name) and name not in (b".", b"..") and b"/" not in name and b"\0" not in name

    def _loose(self, node: Node, items: list[Item]) -> list[Item]:
        """Entries or routers in slots that neither the table nor the free list leads to, one by one."""
        raw, head = node.raw, self.reader.leaf if node.is_leaf else self.reader.internal
        taken = {slot for item in items for slot in self._chain(raw, item.slot, head.next, node.slots)}
        taken |= {slot for slot in range(node.slots) if node.reserved >> slot & 1}
        link = raw[19]
        free: set[int] = set()
        while link != _END and 0 < link < node.slots and link not in free | taken:
            free.add(link)
            link = raw[link * SLOT]
        loose = [slot for slot in range(1, node.slots) if slot not in taken | free]
        inner: set[int] = set()
        result = []
        for slot in loose:
            chain = self._chain(raw, slot, head.next, node.slots)
            units = raw[slot * SLOT + head.length]
            need = 1 + max(0, -(-(units * self.dialect.name_unit - head.name_bytes) // (SLOT - 2)))
            if units == 0 or len(chain) != need or not set(chain) <= set(loose):
                continue
            inner.update(chain[1:])
            result.append((slot, replace(node, table=bytes([slot]), reserved=1)))
        items = [item for slot, one in result if slot not in inner for item in self.reader.items(one)]
        return [item for item in items if self._names_one((node, item))] if node.is_leaf else items

    @staticmethod
    def _chain(raw: bytes, slot: int, next_at: int, slots: int) -> list[int]:
        """The slots of an entry: its head and those that it is chained to."""
        chain = [slot]
        link = raw[slot * SLOT + next_at]
        while link != _END and 0 < link < slots and link not in chain:
            chain.append(link)
            link = raw[link * SLOT]
        return chain
