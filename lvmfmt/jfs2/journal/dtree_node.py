"""One node of a directory tree, changed in place: its sorted table, its entries and its list of free slots.

Source: reference sections 2.5 and 3.5.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from dataclasses import dataclass

from ...layout.record import Record
from ..dialect import Dialect
from ..dtree import INTERNAL, LEAF, ROOT_SLOTS, SLOT
from ..geometry import PAGE
from ..volume import Volume

PAGE_SLOTS = PAGE // SLOT
STBL_SLOT, FIRST_SLOT = 1, 5
ROOT_LEAF, ROOT_INTERNAL = 0x83, 0x85
_END = 0xFF
_FLAG, _COUNT, _FREE_COUNT, _FREE_LIST, _SLOTS, _STBL = 16, 17, 18, 19, 20, 21


@dataclass(frozen=True)
class _Head:
    """Where the parts of a head slot lie."""

    next: int
    length: int
    name: int
    name_bytes: int

    @classmethod
    def of(cls, record: Record) -> _Head:
        size = next(f.size for f in record.fields() if f.name == "name")
        return cls(record.offset_of("next"), record.offset_of("namlen"), record.offset_of("name"), size)


class NodeFormat:
    """How a dialect lays out directory nodes."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.dialect: Dialect = volume.dialect
        s = volume.dialect.structures
        self.leaf, self.internal = _Head.of(s.leaf_slot), _Head.of(s.internal_slot)
        self.number = struct.Struct(volume.dialect.order + ("Q" if volume.dialect.order == ">" else "I"))
        self.root_stbl = s.dtree_root.offset_of("stbl")
        self.parent_at = s.dtree_root.offset_of("idotdot")
        self.links = struct.Struct(volume.dialect.order + "qq")

    def pxd(self, address: int, length: int) -> bytes:
        """An extent as 8 bytes."""
        order = self.dialect.order
        high, low = address >> 32, address & 0xFFFFFFFF
        if order == ">":
            return length.to_bytes(3, "big") + bytes([high]) + low.to_bytes(4, "big")
        return length.to_bytes(3, "little") + bytes([high]) + low.to_bytes(4, "little")

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
        page[24:32] = self.pxd(address, self.volume.blocks_per_page)
        page[_FLAG] = LEAF if leaf else INTERNAL
        Node(self, page, 0, is_root=False).reset(page[_FLAG])
        return page


class Node:
    """A root or page in a buffer that belongs to the caller; `at` is where it starts there.

    Raises:
        CorruptImage: header or table make no sense.
    """

    def __init__(self, form: NodeFormat, buffer: bytearray, at: int, *, is_root: bool) -> None:
        self._form, self._buffer, self._at, self.is_root = form, buffer, at, is_root
        self._stbl = at + (form.root_stbl if is_root else buffer[at + _STBL] * SLOT)
        if not is_root and buffer[at + _SLOTS] != PAGE_SLOTS:
            raise self._corrupt("maxslot", PAGE_SLOTS, buffer[at + _SLOTS])
        if self.is_leaf == bool(buffer[at + _FLAG] & INTERNAL):
            raise self._corrupt("flag", "leaf or internal", hex(buffer[at + _FLAG]))
        slots = ROOT_SLOTS if is_root else PAGE_SLOTS
        table = self._table()
        if len(self) >= slots or (table and not 0 < min(table) <= max(table) < slots):
            raise self._corrupt("stbl", f"at most {slots - 1} slots of the node", len(self))

    def __len__(self) -> int:
        return self._buffer[self._at + _COUNT]

    @property
    def is_leaf(self) -> bool:
        """Whether its entries are names of files; else they are routers to pages."""
        return bool(self._buffer[self._at + _FLAG] & LEAF)

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

    def key(self, index: int) -> bytes:
        """The on-disk key of an entry."""
        return self._key(self._table()[index], self._head)

    def _key(self, slot: int, head: _Head) -> bytes:
        raw, base = self._buffer, self._at + slot * SLOT
        length = raw[base + head.length] * self._form.dialect.name_unit
        key = bytes(raw[base + head.name : base + head.name + min(length, head.name_bytes)])
        following = raw[base + head.next]
        while len(key) < length:
            base = self._chained(following)
            key += raw[base + 2 : base + 2 + min(SLOT - 2, length - len(key))]
            following = raw[base]
        return key

    def number(self, index: int) -> int:
        """Inode number of an entry of a leaf."""
        return int(self._form.number.unpack_from(self._buffer, self._slot(self._table()[index]))[0])

    def set_number(self, index: int, number: int) -> None:
        """Give an entry of a leaf another inode."""
        self._form.number.pack_into(self._buffer, self._slot(self._table()[index]), number)

    def child(self, index: int) -> int:
        """Block address of the page that a router points to."""
        base = self._slot(self._table()[index])
        order = "big" if self._form.dialect.order == ">" else "little"
        low = int.from_bytes(self._buffer[base + 4 : base + 8], order)  # type: ignore[arg-type]
        return self._buffer[base + 3] << 32 | low

    def find(self, key: bytes) -> tuple[int, bool]:
        """Index of the first entry whose key is not below `key`, and whether it is that key."""
        order, head, table = self._form.dialect.sort_key, self._head, self._table()
        wanted = order(key)
        low = bisect_left(table, wanted, key=lambda slot: order(self._key(slot, head)))
        return low, low < len(table) and self._key(table[low], head) == key

    def slots_of(self, key: bytes) -> int:
        """Slots that an entry with this key takes here."""
        return 1 + -(-max(len(key) - self._head.name_bytes, 0) // (SLOT - 2))

    def insert(self, index: int, key: bytes, value: bytes) -> None:
        """Add an entry; there have to be enough free slots.

        Args:
            index: its place in key order.
            key: on-disk key.
            value: the inode number or the page's extent, as its bytes.
        """
        raw, head = self._buffer, self._head
        chain = [self._take() for _ in range(self.slots_of(key))]
        base = self._slot(chain[0])
        raw[base : base + head.name + head.name_bytes] = bytes(head.name + head.name_bytes)
        raw[base : base + len(value)] = value
        raw[base + head.length] = len(key) // self._form.dialect.name_unit
        first = key[: head.name_bytes]
        raw[base + head.name : base + head.name + len(first)] = first
        links = [*chain[1:], _END]
        raw[base + head.next] = links[0]
        for i, slot in enumerate(chain[1:]):
            base, at = self._slot(slot), head.name_bytes + i * (SLOT - 2)
            part = key[at : at + SLOT - 2]
            raw[base], raw[base + 1] = links[i + 1], len(part) // self._form.dialect.name_unit
            raw[base + 2 : base + 2 + len(part)] = part
        table = self._table()
        self._set_table([*table[:index], chain[0], *table[index:]])

    def remove(self, index: int) -> None:
        """Take an entry away; its slots go to the head of the free list in the order of its chain."""
        table = self._table()
        slot, chain, link = table[index], [], self._head.next
        while slot != _END:
            chain.append(slot)
            slot, link = self._buffer[self._slot(slot) + link], 0
            if len(chain) > self.slots_of(bytes(510)):
                raise self._corrupt("next", "a chain that ends", "a loop")
        following = [*chain[1:], self._buffer[self._at + _FREE_LIST]]
        for slot, link in zip(chain, following, strict=True):
            base = self._slot(slot)
            self._buffer[base], self._buffer[base + 1] = link, 1
        self._buffer[self._at + _FREE_LIST] = chain[0]
        self._buffer[self._at + _FREE_COUNT] += len(chain)
        self._set_table([*table[:index], *table[index + 1 :]])

    def value(self, index: int) -> bytes:
        """What an entry stands for, as its bytes: an inode number or an extent."""
        base = self._slot(self._table()[index])
        return bytes(self._buffer[base : base + (self._form.number.size if self.is_leaf else 8)])

    def reset(self, flag: int) -> None:
        """Make it empty, with all slots on the free list in ascending order."""
        first, end = (1, ROOT_SLOTS) if self.is_root else (FIRST_SLOT, PAGE_SLOTS)
        raw, at = self._buffer, self._at
        raw[at + _FLAG], raw[at + _COUNT], raw[at + _FREE_COUNT], raw[at + _FREE_LIST] = flag, 0, end - first, first
        for slot in range(first, end):
            base = self._slot(slot)
            raw[base], raw[base + 1] = slot + 1 if slot + 1 < end else _END, 1

    @property
    def _head(self) -> _Head:
        return self._form.leaf if self.is_leaf else self._form.internal

    def _slot(self, slot: int) -> int:
        return self._at + slot * SLOT

    def _chained(self, slot: int) -> int:
        """Where a slot lies that another one names."""
        if not 0 < slot < (ROOT_SLOTS if self.is_root else PAGE_SLOTS):
            raise self._corrupt("next", "a slot of the node", slot)
        return self._slot(slot)

    def _take(self) -> int:
        slot = self._buffer[self._at + _FREE_LIST]
        base = self._chained(slot)
        self._buffer[self._at + _FREE_LIST] = self._buffer[base]
        self._buffer[self._at + _FREE_COUNT] -= 1
        return slot

    def _table(self) -> bytes:
        return bytes(self._buffer[self._stbl : self._stbl + len(self)])

    def _set_table(self, slots: list[int]) -> None:
        self._buffer[self._stbl : self._stbl + len(slots)] = bytes(slots)
        self._buffer[self._at + _COUNT] = len(slots)

    def _corrupt(self, field: str, expected: object, found: object) -> Exception:
        name = "dtree_root" if self.is_root else "dtree_page_header"
        return self._form.volume.corrupt(name, field, None, expected, found)
