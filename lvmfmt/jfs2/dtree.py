"""The nodes of a directory tree: a root or page taken apart, its children, and the key in each slot.

Source: reference section 2.5 and invariants 60 to 72.
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

from ..layout.record import Record
from .dialect import Dialect
from .geometry import PAGE
from .volume import Volume

SLOT = 32
ROOT_SLOTS = 9
MAX_DEPTH = 8
ROOT_INODE = 2
"""The root directory; it never appears as an entry."""
MAX_INODES = 1 << 43
"""Numbers end where the 32-bit numbers of inode allocation groups do."""
LEAF, INTERNAL = 0x02, 0x04
STBL_SLOTS = {16: 1, 32: 1, 64: 2, 128: 4}
NUMBERS = range(ROOT_INODE + 1, MAX_INODES)
"""Inode numbers that an entry may have."""
_END = 0xFF

Extent = tuple[int, int]
"""Address and length in blocks."""


class HeadSlot(NamedTuple):
    """Where the parts of a head slot lie."""

    record: Record
    next: int
    length: int
    name: int
    name_bytes: int

    @classmethod
    def of(cls, record: Record) -> HeadSlot:
        """The places that a declaration says."""
        at = record.offset_of
        size = next(f.size for f in record.fields() if f.name == "name")
        return cls(record, at("next"), at("namlen"), at("name"), size)


class Node(NamedTuple):
    """A root or page, its sorted table taken apart.

    Attributes:
        raw: its bytes.
        at: its byte offset in the device.
        is_leaf: whether it holds entries, not routers.
        slots: the sorted table: where each entry begins.
        slot_count: slots of it, the header's among them.
        reserved: slots that hold no entries, a bit each.
        free: length of its free list as it has it.
    """

    raw: bytes
    at: int
    is_leaf: bool
    slots: bytes
    slot_count: int
    reserved: int
    free: int


class NodeReader:
    """Takes nodes apart.

    Args:
        volume: the file system.
        leaf: head slots of leaves.
    """

    def __init__(self, volume: Volume, leaf: HeadSlot) -> None:
        self._volume = volume
        self._dialect: Dialect = volume.dialect
        structures = self._dialect.structures
        self._leaf, self._internal = leaf, HeadSlot.of(structures.internal_slot)
        self._number = struct.Struct(self._dialect.order + ("I" if self._dialect.order == "<" else "Q"))
        self._address = struct.Struct(self._dialect.order + "I")
        self._order: Literal["big", "little"] = "big" if self._dialect.order == ">" else "little"
        self._stbl_at = structures.dtree_root.offset_of("stbl")

    def root(self, raw: bytes, at: int) -> Node:
        """The tree root in an inode, 288 bytes that lie `at` this byte of the device."""
        kind, count = raw[16] & (LEAF | INTERNAL), raw[17]
        structure = "dtree_root"
        if kind not in (LEAF, INTERNAL) or not raw[16] & 0x01:
            raise self._volume.corrupt(structure, "flag", at + 16, "0x83 or 0x85", hex(raw[16]))
        if not (0 if kind == LEAF else 1) <= count < ROOT_SLOTS:
            raise self._volume.corrupt(structure, "nextindex", at + 17, f"at most {ROOT_SLOTS - 1}", count)
        slots = raw[self._stbl_at : self._stbl_at + count]
        return Node(raw, at, kind == LEAF, slots, ROOT_SLOTS, 1, raw[18])

    def children(self, node: Node, seen: set[int]) -> list[tuple[Node, Extent]]:
        """The pages that the routers of a node point to, and their extents.

        Args:
            node: an internal one.
            seen: addresses of pages that are in the tree already; takes those of these, too.
        """
        self._check_table(node)
        used = node.reserved
        extents = []
        for slot in node.slots:
            _, used = self._key(node, slot, self._internal, used)
            extents.append(self._extent(node, slot, seen))
        self._check_free(node, used)
        pages = self._read(extents)
        return [(self._page(pages[extent], *extent), extent) for extent in extents]

    def child(self, node: Node, slot: int, seen: set[int]) -> Node:
        """The page that the router in a slot points to."""
        address, length = self._extent(node, slot, seen)
        return self._page(self._volume.read(address, length).tobytes(), address, length)

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

    def _extent(self, node: Node, slot: int, seen: set[int]) -> Extent:
        """(address, length) in blocks of the page that the router in a slot points to."""
        volume, base = self._volume, slot * SLOT
        length = int.from_bytes(node.raw[base : base + 3], self._order)
        address = node.raw[base + 3] << 32 | self._address.unpack_from(node.raw, base + 4)[0]
        at = node.at + base
        volume.check_extent(address, length, "dtree_internal_slot", "pxd", at)
        size = length * volume.block_size
        if size // SLOT not in STBL_SLOTS or size > PAGE:
            raise volume.corrupt("dtree_internal_slot", "pxd", at, "512, 1024, 2048 or 4096 bytes", size)
        if address in seen:
            raise volume.corrupt("dtree_internal_slot", "pxd", at, "a page that is not in the tree yet", address)
        seen.add(address)
        return address, length

    def _page(self, raw: bytes, address: int, length: int) -> Node:
        structure, at = "dtree_page_header", address * self._volume.block_size
        corrupt = self._volume.corrupt
        kind, count, free, maxslot, stblindex = raw[16] & 0x0F, raw[17], raw[18], raw[20], raw[21]
        if kind not in (LEAF, INTERNAL):
            raise corrupt(structure, "flag", at + 16, "2 or 4", hex(raw[16]))
        if maxslot != len(raw) // SLOT:
            raise corrupt(structure, "maxslot", at + 20, len(raw) // SLOT, maxslot)
        width = STBL_SLOTS[maxslot]
        if not 1 <= stblindex <= maxslot - width:
            raise corrupt(structure, "stblindex", at + 21, f"1 to {maxslot - width}", stblindex)
        if not 1 <= count < maxslot - width:
            raise corrupt(structure, "nextindex", at + 17, f"1 to {maxslot - width - 1}", count)
        own = int.from_bytes(raw[24:27], self._order)
        own_address = raw[27] << 32 | self._address.unpack_from(raw, 28)[0]
        if (own, own_address) != (length, address):
            raise corrupt(structure, "self", at + 24, f"{length}@{address}", f"{own}@{own_address}")
        slots = raw[stblindex * SLOT : stblindex * SLOT + count]
        reserved = 1 | ((1 << width) - 1) << stblindex
        return Node(raw, at, kind == LEAF, slots, maxslot, reserved, free)

    def _check_table(self, node: Node) -> None:
        taken = node.reserved
        for slot in node.slots:
            if slot >= node.slot_count or taken >> slot & 1:
                raise self._bad_table(node, slot)
            taken |= 1 << slot

    def _check_free(self, node: Node, used: int) -> None:
        """Slots in use and slots on the free list make up the node; otherwise entries are missing or too many."""
        free = node.slot_count - used.bit_count()
        if node.free != free:
            raise self._volume.corrupt(_structure(node), "freecnt", node.at + 18, free, node.free)

    def entries(self, leaf: Node) -> tuple[list[int], list[bytes]]:
        """Inode numbers and names of the entries of a leaf, slot by slot."""
        self._check_table(leaf)
        used = leaf.reserved
        numbers, names = [], []
        for slot in leaf.slots:
            coded, used = self._key(leaf, slot, self._leaf, used)
            names.append(self._name(leaf, slot, coded))
            numbers.append(self.number(leaf, slot))
        self._check_free(leaf, used)
        return numbers, names

    def first_after(self, node: Node, coded: bytes) -> int:
        """Index in the sorted table of the first key behind a name; the first router of all counts as before it."""
        order = self._dialect.sort_key
        key = order(coded)
        low, high = (0 if node.is_leaf else 1), len(node.slots)
        while low < high:
            middle = (low + high) // 2
            if order(self.coded(node, node.slots[middle])) > key:
                high = middle
            else:
                low = middle + 1
        return low

    def coded(self, node: Node, slot: int) -> bytes:
        """The on-disk key of an entry, which may lie anywhere in the node."""
        if slot >= node.slot_count or node.reserved >> slot & 1:
            raise self._bad_table(node, slot)
        return self._key(node, slot, self._leaf if node.is_leaf else self._internal, node.reserved)[0]

    def _key(self, node: Node, slot: int, head: HeadSlot, used: int) -> tuple[bytes, int]:
        """The on-disk key that starts in `slot`, and the slots used so far (a bit each) with its own."""
        raw, base = node.raw, slot * SLOT
        length = raw[base + head.length] * self._dialect.name_unit
        following = raw[base + head.next]
        first = base + head.name
        used |= 1 << slot
        if length <= head.name_bytes:
            if following != _END:
                raise self._broken_chain(node, slot, head)
            return raw[first : first + length], used
        key = raw[first : first + head.name_bytes]
        while len(key) < length:
            if following >= node.slot_count or used >> following & 1:
                raise self._broken_chain(node, slot, head)
            used |= 1 << following
            base = following * SLOT + 2
            key += raw[base : base + min(length - len(key), SLOT - 2)]
            following = raw[base - 2]
        if following != _END:
            raise self._broken_chain(node, slot, head)
        return key, used

    def _name(self, node: Node, slot: int, coded: bytes) -> bytes:
        name = self._dialect.decode_name(coded)
        if not name or name in (b".", b"..") or b"/" in name or b"\0" in name:
            raise self._volume.corrupt(
                "dtree_leaf_slot", "name", node.at + slot * SLOT + self._leaf.name, "a file name", repr(name)[1:]
            )
        return name

    def number(self, node: Node, slot: int) -> int:
        """Inode number of the entry in a slot of a leaf."""
        number = int(self._number.unpack_from(node.raw, slot * SLOT)[0])
        if number not in NUMBERS:
            raise self._volume.corrupt(
                "dtree_leaf_slot", "inumber", node.at + slot * SLOT, f"{ROOT_INODE + 1} to {MAX_INODES - 1}", number
            )
        return number

    def _bad_table(self, node: Node, slot: int) -> Exception:
        return self._volume.corrupt(_structure(node), "stbl", node.at, "slots of the node, each once", slot)

    def _broken_chain(self, node: Node, slot: int, head: HeadSlot) -> Exception:
        kind = "dtree_leaf_slot" if head is self._leaf else "dtree_internal_slot"
        return self._volume.corrupt(
            kind, "next", node.at + slot * SLOT + head.next, "a chain of slots as long as the name, then -1", "another"
        )

    def too_deep(self, node: Node) -> Exception:
        """The error for a tree with a node at a depth where none can be."""
        return self._volume.corrupt("dtree_page_header", "flag", node.at + 16, f"at most {MAX_DEPTH} levels", "more")


def _structure(node: Node) -> str:
    return "dtree_root" if node.slot_count == ROOT_SLOTS else "dtree_page_header"
