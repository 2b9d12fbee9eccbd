"""Checks 60 to 66, 68, 69 and 71 of one node of a directory: its slots, chains, names and free list."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from ...layout.jfs2 import LEAF_SLOT_INDEXED
from ...layout.record import Record
from ..dtree import INTERNAL, LEAF, ROOT_SLOTS, SLOT, HeadSlot
from .subject import Subject

STBL_SLOTS = {16: 1, 32: 1, 64: 2, 128: 4}
"""Slots of the sorted table, by slots of the page."""
_END = 0xFF
_ROOT_FLAGS = {0x83: LEAF, 0x85: INTERNAL}


class Item(NamedTuple):
    """An entry or router of a node."""

    slot: int
    coded: bytes
    """The name as it lies on the disk."""
    key: bytes
    """Compares as names are ordered."""


@dataclass
class Node:
    """A root or page.

    Attributes:
        number: inode number of the directory.
        raw: its bytes.
        at: byte offset in the device.
        record: structure of its header.
        is_leaf: whether its items are entries.
        table: slots of its items in key order.
        reserved: slots of header and sorted table, a bit each.
        slots: how many it has.
    """

    number: int
    raw: bytes
    at: int
    record: Record
    is_leaf: bool
    table: bytes
    reserved: int
    slots: int

    @property
    def name(self) -> str:
        """What to call it in a message."""
        kind = "root" if self.slots == ROOT_SLOTS else f"page at byte {self.at:#x}"
        return f"the {kind} of directory {self.number}"


class NodeReader:
    """Takes nodes of directories apart.

    Args:
        subject: the file system.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        s = subject.dialect.structures
        self.root_record, self.page_record = s.dtree_root, s.dtree_page_header
        self.leaf = HeadSlot.of(LEAF_SLOT_INDEXED if subject.superblock.indexed_directories else s.leaf_slot)
        self.internal = HeadSlot.of(s.internal_slot)
        self.number_of = struct.Struct("<I" if subject.is_linux else ">Q").unpack_from
        self._stbl_at = s.dtree_root.offset_of("stbl")
        self._parent = struct.Struct("<I" if subject.is_linux else ">Q").unpack_from
        self._parent_at = s.dtree_root.offset_of("idotdot")
        self._unit = subject.dialect.name_unit

    def parent(self, raw: bytes) -> int:
        """The parent that a root names."""
        return int(self._parent(raw, self._parent_at)[0])

    def root(self, number: int, raw: bytes, at: int) -> Node | None:
        """A root, 288 bytes; None when nothing in it can be read."""
        kind, count = _ROOT_FLAGS.get(raw[16] & 0xCF), raw[17]
        if kind is None:
            text = f"flag {raw[16]:#x} of the root of directory {number}, expected 0x83 or 0x85"
            self.subject.find("dtree-flag", self.root_record, "flag", at, text)
            return None
        if count >= ROOT_SLOTS or (kind == INTERNAL and count == 0):
            text = f"nextindex {count} of the root of directory {number}, expected {kind == INTERNAL:d} to 8"
            self.subject.find("dtree-slots", self.root_record, "nextindex", at, text)
            return None
        table = raw[self._stbl_at : self._stbl_at + count]
        return Node(number, raw, at, self.root_record, kind == LEAF, table, 1, ROOT_SLOTS)

    def page(self, number: int, raw: bytes, address: int, *, only: bool) -> Node | None:
        """A page; `only` when it is the one page below the root. None when nothing in it can be read."""
        s, record, at = self.subject, self.page_record, address * self.subject.volume.block_size
        slots, name = len(raw) // SLOT, f"the page at byte {at:#x} of directory {number}"
        own, length = s.pxd(record.table(raw, 1)["self"][0])
        if (own, length * s.volume.block_size) != (address, len(raw)):
            s.find("dtree-page-size", record, "self", at, f"{name} says that it is {length}@{own}")
        kind, count, stbl, width = raw[16] & 0xCF, raw[17], raw[21], STBL_SLOTS[slots]
        if raw[20] != slots:
            s.find("dtree-page-size", record, "maxslot", at, f"maxslot {raw[20]} of {name}, expected {slots}")
        if slots < 128 and not (only and kind == LEAF):
            s.find("dtree-page-size", record, "maxslot", at, f"{name} is smaller than 4096 bytes, but not alone")
        if kind not in (LEAF, INTERNAL):
            s.find("dtree-flag", record, "flag", at, f"flag {raw[16]:#x} of {name}, expected 2 or 4")
            return None
        if not 1 <= stbl <= slots - width:
            s.find("dtree-table-place", record, "stblindex", at, f"stblindex {stbl} of {name}")
            return None
        if count == 0:
            s.find("dtree-empty-page", record, "nextindex", at, f"{name} is empty")
        if count > slots - width - 1:
            s.find("dtree-slots", record, "nextindex", at, f"nextindex {count} of {name}, it has {slots} slots")
            return None
        table = raw[stbl * SLOT : stbl * SLOT + count]
        return Node(number, raw, at, record, kind == LEAF, table, 1 | ((1 << width) - 1) << stbl, slots)

    def items(self, node: Node) -> list[Item]:
        """Entries or routers in the order of the table, those that can be read; judges all slots of the node."""
        head = self.leaf if node.is_leaf else self.internal
        used, items = node.reserved, []
        raw, slots, name_bytes = node.raw, node.slots, head.name_bytes
        for slot in node.table:
            if slot >= slots or used >> slot & 1:
                text = f"slot {slot} in the sorted table of {node.name} does not exist or is used twice"
                self.subject.find("dtree-slots", node.record, "", node.at, text)
                continue
            used |= 1 << slot
            base = slot * SLOT
            length, following = raw[base + head.length] * self._unit, raw[base + head.next]
            first = base + head.name
            if length <= name_bytes and following == _END:
                coded = raw[first : first + length]
            else:
                chain, used = self._chain(node, following, used)
                need = max(0, -(-(length - name_bytes) // 30))
                if len(chain) != need:
                    self._broken(node, slot, head, 1 + len(chain), 1 + need)
                    continue
                parts = [raw[link * SLOT + 2 : link * SLOT + SLOT] for link in chain]
                coded = b"".join((raw[first : first + name_bytes], *parts))[:length]
            items.append(Item(slot, coded, self._key(coded)))
        self._free(node, used)
        return items

    def _key(self, coded: bytes) -> bytes:
        if self._unit == 1:
            return coded
        key = bytearray(len(coded))
        key[0::2], key[1::2] = coded[1::2], coded[0::2]
        return bytes(key)

    def _chain(self, node: Node, link: int, used: int) -> tuple[list[int], int]:
        """Slots up to the end of a chain or its first impossible link, and all used slots with them."""
        raw, slots = node.raw, node.slots
        chain: list[int] = []
        while link != _END:
            if not 1 <= link < slots:
                text = f"a link to slot {link} in {node.name}, which has {slots}"
                self.subject.find("dtree-free-list", node.record, "", node.at, text)
                break
            if used >> link & 1:
                text = f"slot {link} of {node.name} is used twice"
                self.subject.find("dtree-slots", node.record, "", node.at, text)
                break
            used |= 1 << link
            chain.append(link)
            link = raw[link * SLOT]
        return chain, used

    def _broken(self, node: Node, slot: int, head: HeadSlot, found: int, need: int) -> None:
        text = f"the entry in slot {slot} of {node.name} has {found} slots, its name needs {need}"
        self.subject.find("dtree-chains", head.record, "namlen", node.at + slot * SLOT, text)

    def _free(self, node: Node, used: int) -> None:
        """Judge the free list: with the used slots it makes up the node."""
        s, count = self.subject, node.raw[18]
        before = s.report.counts.total()
        free, used = self._chain(node, node.raw[19], used)
        if len(free) != count:
            text = f"the free list of {node.name} has {len(free)} slots, freecnt says {count}"
            s.find("dtree-free-list", node.record, "freecnt", node.at, text)
        if used != (1 << node.slots) - 1 and s.report.counts.total() == before:
            lost = node.slots - used.bit_count()
            text = f"{lost} slots of {node.name} are neither used nor free"
            s.find("dtree-slots", node.record, "", node.at, text)
