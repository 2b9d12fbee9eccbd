"""One node of a directory tree, decoded once and changed in place: its keys, its sorted table, its free slots.

Keys are in the form that compares as directories order names, see `Dialect.sort_key`. Source: reference sections 2.5
and 3.5.
"""

from __future__ import annotations

import struct
from bisect import bisect_left

from ...layout.jfs2 import LEAF_SLOT_INDEXED
from ..geometry import PAGE
from ..nodes.directory_node import INTERNAL, LEAF, ROOT_SLOTS, SLOT, TABLE_SLOTS, HeadSlot
from ..volume import Volume
from .coding import Coding

PAGE_SLOTS = PAGE // SLOT
STBL_SLOT, FIRST_SLOT = 1, 5
ROOT_LEAF, ROOT_INTERNAL = 0x83, 0x85
_END = 0xFF
_FLAG, _COUNT, _FREE_COUNT, _FREE_LIST, _SLOTS, _STBL = 16, 17, 18, 19, 20, 21
_SELF = 24
_PART = SLOT - 2
"""Bytes of a name in a continuation slot."""


class NodeFormat:
    """How a dialect lays out directory nodes.

    Args:
        volume: the file system.
        coding: of its dialect.
        indexed: entries carry the index that the directory's table knows them by.
    """

    def __init__(self, volume: Volume, coding: Coding, *, indexed: bool = False) -> None:
        self.volume, self.coding, self.dialect = volume, coding, volume.dialect
        s = volume.dialect.structures
        leaf = LEAF_SLOT_INDEXED if indexed else s.leaf_slot
        self.leaf, self.internal = HeadSlot.of(leaf), HeadSlot.of(s.internal_slot)
        self.index_at = leaf.offset_of("index") if indexed else 0
        self.index = struct.Struct("<I")
        self.number = volume.dialect.inode_number
        self.root_stbl = s.dtree_root.offset_of("stbl")
        self.parent_at = s.dtree_root.offset_of("idotdot")
        self.links = struct.Struct(volume.dialect.order + "qq")
        self.unit = volume.dialect.name_unit

    def empty_root(self, parent: int) -> bytes:
        """The root of an empty directory, 288 bytes."""
        root = bytearray(ROOT_SLOTS * SLOT)
        self.number.pack_into(root, self.parent_at, parent)
        root[_FLAG] = ROOT_LEAF
        Node(self, root, 0, is_root=True).reset(ROOT_LEAF)
        return bytes(root)

    def empty_page(self, address: int, *, leaf: bool) -> bytearray:
        """A page without entries."""
        page = bytearray(PAGE)
        page[_SLOTS], page[_STBL] = PAGE_SLOTS, STBL_SLOT
        page[_SELF : _SELF + 8] = self.coding.pxd(address, self.volume.blocks_per_page)
        page[_FLAG] = LEAF if leaf else INTERNAL
        Node(self, page, 0, is_root=False).reset(page[_FLAG])
        return page


class Node:
    """A root or page in a buffer; `at` is where it starts there. The node is the only one to change these bytes.

    Attributes:
        is_root: it lies in an inode.
        keys: of its entries, ascending.

    Raises:
        CorruptImage: header, table or names make no sense.
    """

    def __init__(self, form: NodeFormat, buffer: bytearray, at: int, *, is_root: bool) -> None:
        self._form, self._buffer, self._at, self.is_root = form, buffer, at, is_root
        if self.is_leaf == bool(buffer[at + _FLAG] & INTERNAL):
            raise self._corrupt("flag", "leaf or internal", hex(buffer[at + _FLAG]))
        self._slots = ROOT_SLOTS if is_root else buffer[at + _SLOTS]
        if not is_root and (self._slots not in TABLE_SLOTS or self._slots * SLOT != len(buffer)):
            raise self._corrupt("maxslot", len(buffer) // SLOT, self._slots)
        self._stbl = at + (form.root_stbl if is_root else buffer[at + _STBL] * SLOT)
        self._head = form.leaf if self.is_leaf else form.internal
        count = buffer[at + _COUNT]
        self._table = list(buffer[self._stbl : self._stbl + count])
        inside = self._stbl + count <= at + self._slots * SLOT and len(set(self._table)) == count < self._slots
        if not inside or (count and not 0 < min(self._table) <= max(self._table) < self._slots):
            raise self._corrupt("stbl", f"at most {self._slots - 1} slots of the node, each once", self._table)
        self.keys = [self._read_key(slot) for slot in self._table]

    def __len__(self) -> int:
        return len(self._table)

    @property
    def is_leaf(self) -> bool:
        """Whether its entries are names of files; else they are routers to pages."""
        return bool(self._buffer[self._at + _FLAG] & LEAF)

    @property
    def is_small(self) -> bool:
        """Whether it is a page of less than 4096 bytes: the only one of a small AIX directory."""
        return not self.is_root and self._slots < PAGE_SLOTS

    @property
    def free(self) -> int:
        """Free slots."""
        return self._buffer[self._at + _FREE_COUNT]

    @property
    def siblings(self) -> tuple[int, int]:
        """Block addresses of the next and the previous page, 0 for none."""
        following, previous = self._form.links.unpack_from(self._buffer, self._at)
        return int(following), int(previous)

    @siblings.setter
    def siblings(self, value: tuple[int, int]) -> None:
        self._form.links.pack_into(self._buffer, self._at, *value)

    @property
    def parent(self) -> int:
        """Of a root: inode number of the directory that it is in."""
        return int(self._form.number.unpack_from(self._buffer, self._at + self._form.parent_at)[0])

    @parent.setter
    def parent(self, number: int) -> None:
        self._form.number.pack_into(self._buffer, self._at + self._form.parent_at, number)

    def number(self, index: int) -> int:
        """Inode number of an entry of a leaf."""
        return int(self._form.number.unpack_from(self._buffer, self._slot(self._table[index]))[0])

    def set_number(self, index: int, number: int) -> None:
        """Give an entry of a leaf another inode."""
        self._form.number.pack_into(self._buffer, self._slot(self._table[index]), number)

    def indexes(self, first: int = 0) -> list[int]:
        """Indexes of the entries of a leaf from position `first` on."""
        unpack, at = self._form.index.unpack_from, self._form.index_at
        return [unpack(self._buffer, self._slot(slot) + at)[0] for slot in self._table[first:]]

    def child(self, index: int) -> tuple[int, int]:
        """Block address and length of the page that a router points to."""
        return self._form.coding.get_pxd(self._buffer, self._slot(self._table[index]))

    def find(self, key: bytes) -> tuple[int, bool]:
        """Index of the first entry whose key is not below `key`, and whether it is that key."""
        low = bisect_left(self.keys, key)
        return low, low < len(self.keys) and self.keys[low] == key

    def slots_of(self, key: bytes) -> int:
        """Slots that an entry with this key takes here."""
        return 1 + -(-max(len(key) - self._head.name_bytes, 0) // _PART)

    def insert(self, index: int, key: bytes, value: bytes) -> None:
        """Add an entry; there have to be enough free slots.

        Args:
            index: its place in key order.
            key: its key.
            value: the inode number (and index) or the page's extent, as its bytes.
        """
        raw, head, unit, coded = self._buffer, self._head, self._form.unit, self._form.dialect.sort_key(key)
        chain = [self._take() for _ in range(self.slots_of(key))]
        links = [*chain[1:], _END]
        base = self._slot(chain[0])
        first = coded[: head.name_bytes]
        raw[base : base + head.name] = bytes(head.name)
        if self._form.index_at and self.is_leaf:
            number = self._form.number.size
            raw[base + self._form.index_at : base + SLOT] = value[number:]
            value = value[:number]
        raw[base : base + len(value)] = value
        raw[base + head.next], raw[base + head.length] = links[0], len(coded) // unit
        raw[base + head.name : base + head.name + head.name_bytes] = first.ljust(head.name_bytes, b"\0")
        for i, slot in enumerate(chain[1:]):
            base, at = self._slot(slot), head.name_bytes + i * _PART
            part = coded[at : at + _PART]
            raw[base], raw[base + 1] = links[i + 1], len(part) // unit
            raw[base + 2 : base + 2 + len(part)] = part
        self._table.insert(index, chain[0])
        self.keys.insert(index, key)
        self._put_table()

    def remove(self, index: int) -> None:
        """Take an entry away; its slots go to the head of the free list in the order of its chain."""
        raw, at = self._buffer, self._at
        slot, chain, link = self._table[index], [], self._head.next
        for _ in range(self.slots_of(self.keys[index])):
            chain.append(slot)
            slot, link = raw[self._chained(slot) + link], 0
        following = [*chain[1:], raw[at + _FREE_LIST]]
        for slot, link in zip(chain, following, strict=True):
            base = self._slot(slot)
            raw[base], raw[base + 1] = link, 1
        raw[at + _FREE_LIST] = chain[0]
        raw[at + _FREE_COUNT] += len(chain)
        del self._table[index], self.keys[index]
        self._put_table()

    def value(self, index: int) -> bytes:
        """What an entry stands for, as its bytes: an inode number (and index) or an extent."""
        base, form = self._slot(self._table[index]), self._form
        if form.index_at and self.is_leaf:
            return bytes(
                self._buffer[base : base + form.number.size] + self._buffer[base + form.index_at : base + SLOT]
            )
        return bytes(self._buffer[base : base + (self._form.number.size if self.is_leaf else 8)])

    def set_value(self, index: int, value: bytes) -> None:
        """Let an entry stand for something else."""
        base = self._slot(self._table[index])
        self._buffer[base : base + len(value)] = value

    def reset(self, flag: int) -> None:
        """Make it empty, with all slots on the free list in ascending order."""
        first, end = (1, ROOT_SLOTS) if self.is_root else (FIRST_SLOT, PAGE_SLOTS)
        raw, at = self._buffer, self._at
        raw[at + _FLAG], raw[at + _COUNT], raw[at + _FREE_COUNT], raw[at + _FREE_LIST] = flag, 0, end - first, first
        self._table, self.keys = [], []
        self._head = self._form.leaf if self.is_leaf else self._form.internal
        for slot in range(first, end):
            base = self._slot(slot)
            raw[base], raw[base + 1] = slot + 1 if slot + 1 < end else _END, 1

    def _read_key(self, slot: int) -> bytes:
        raw, head, base = self._buffer, self._head, self._at + slot * SLOT
        length = raw[base + head.length] * self._form.unit
        key = bytes(raw[base + head.name : base + head.name + min(length, head.name_bytes)])
        following = raw[base + head.next]
        while len(key) < length:
            base = self._chained(following)
            key += raw[base + 2 : base + 2 + min(_PART, length - len(key))]
            following = raw[base]
        return self._form.dialect.sort_key(key)

    def _slot(self, slot: int) -> int:
        return self._at + slot * SLOT

    def _chained(self, slot: int) -> int:
        """Where a slot lies that another one names."""
        if not 0 < slot < self._slots:
            raise self._corrupt("next", "a slot of the node", slot)
        return self._at + slot * SLOT

    def _take(self) -> int:
        slot = self._buffer[self._at + _FREE_LIST]
        base = self._chained(slot)
        self._buffer[self._at + _FREE_LIST] = self._buffer[base]
        self._buffer[self._at + _FREE_COUNT] -= 1
        return slot

    def _put_table(self) -> None:
        self._buffer[self._stbl : self._stbl + len(self._table)] = bytes(self._table)
        self._buffer[self._at + _COUNT] = len(self._table)

    def _corrupt(self, field: str, expected: object, found: object) -> Exception:
        name = "dtree_root" if self.is_root else "dtree_page_header"
        return self._form.volume.corrupt(name, field, None, expected, found)
