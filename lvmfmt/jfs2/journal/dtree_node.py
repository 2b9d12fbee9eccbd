"""One node of a directory tree, decoded once and changed in place: its keys, its sorted table, its free slots.

Keys are in the form that compares as directories order names, see `Dialect.sort_key`. Source: [jfs2 2.5] and
[jfs2 3.5].
"""

from __future__ import annotations

from bisect import bisect_left
from struct import Struct

from ..nodes.directory_node import (
    COUNT_AT,
    FLAG_AT,
    FREE_COUNT_AT,
    FREE_LIST_AT,
    FULL_PAGE_SLOTS,
    ROOT_BYTES,
    SLOT,
    DirectoryCodec,
    NodeContents,
    NodeHeader,
)
from ..nodes.directory_writer import clear, empty_page, empty_root, put_entry
from ..nodes.fault import Fault
from ..nodes.tree_flags import LEAF
from ..volume import Volume
from .coding import Coding


class NodeFormat:
    """How a file system lays out directory nodes.

    Args:
        volume: the file system.
        coding: of its dialect.
        indexed: entries carry the index that the directory's table knows them by.
    """

    def __init__(self, volume: Volume, coding: Coding, *, indexed: bool = False) -> None:
        self.volume, self.coding = volume, coding
        self.codec = DirectoryCodec(volume.dialect, volume.block_size, volume.blocks, indexed=indexed)
        self.number = self.codec.number
        self.index_at = self.codec.leaf.record.offset_of("index") if indexed else 0
        self.index = Struct("<I")
        self.unit = volume.dialect.name_unit

    def empty_root(self, parent: int) -> bytes:
        """The root of an empty directory, 288 bytes."""
        return bytes(empty_root(self.codec, parent))

    def empty_page(self, address: int, *, leaf: bool) -> bytearray:
        """A page without entries."""
        return empty_page(self.codec, address, leaf=leaf)

    def stop(self, fault: Fault, at: int | None) -> Exception:
        """The error for a fault of a node that lies at a byte offset of the device."""
        offset = None if at is None else at + fault.offset
        return self.volume.corrupt(fault.structure, fault.field, offset, fault.expected, fault.found)


class NodeImage:
    """A root or page in a buffer; the node is the only one to change these bytes.

    Args:
        form: of the file system.
        buffer: where it lies.
        at: where it begins in the buffer.
        place: byte offset in the device.
        is_root: it lies in an inode.
        is_new: we have just made it.

    Attributes:
        place: byte offset in the device.
        keys: of its entries, ascending.
        decoded: header, contents and faults as they were read; None once it is known that nothing is wrong with it
            where it is, and it may be changed.

    Raises:
        CorruptImage: header, table or names make no sense.
    """

    def __init__(
        self, form: NodeFormat, buffer: bytearray, at: int, place: int, *, is_root: bool, is_new: bool = False
    ) -> None:
        self._form, self._buffer, self._at, self.place, self.is_root = form, buffer, at, place, is_root
        codec = form.codec
        if is_root:
            header, faults = codec.root(bytes(buffer[at : at + ROOT_BYTES]))
        else:
            header, faults = codec.page(bytes(buffer), place // codec.block_size)
        contents = codec.contents(header)
        faults += contents.faults
        for fault in faults:
            if fault.misleads and not is_new:
                raise form.stop(fault, place)
        self.decoded: tuple[NodeHeader, NodeContents, list[Fault]] | None = (
            None if is_new else (header, contents, faults)
        )
        self._head, self._slots = codec.head(header), header.slots
        self._stbl = at + (codec.root_table_at if is_root else buffer[at + 21] * SLOT)
        self._table = list(header.table)
        self.keys = contents.keys

    def __len__(self) -> int:
        return len(self._table)

    @property
    def is_leaf(self) -> bool:
        """Whether its entries are names of files; else they are routers to pages."""
        return bool(self._buffer[self._at + FLAG_AT] & LEAF)

    @property
    def is_small(self) -> bool:
        """Whether it is a page of less than 4096 bytes: the only one of a small AIX directory."""
        return not self.is_root and self._slots < FULL_PAGE_SLOTS

    @property
    def free(self) -> int:
        """Free slots."""
        return self._buffer[self._at + FREE_COUNT_AT]

    @property
    def siblings(self) -> tuple[int, int]:
        """Block addresses of the next and the previous page, 0 for none."""
        following, previous = self._form.codec.links.unpack_from(self._buffer, self._at)
        return int(following), int(previous)

    @siblings.setter
    def siblings(self, value: tuple[int, int]) -> None:
        self._form.codec.links.pack_into(self._buffer, self._at, *value)

    @property
    def parent(self) -> int:
        """Of a root: inode number of the directory that it is in."""
        return int(self._form.codec.parent.unpack_from(self._buffer, self._at + self._form.codec.parent_at)[0])

    @parent.setter
    def parent(self, number: int) -> None:
        self._form.codec.parent.pack_into(self._buffer, self._at + self._form.codec.parent_at, number)

    def slot(self, index: int) -> int:
        """Head slot of an entry."""
        return self._table[index]

    def number(self, index: int) -> int:
        """Inode number of an entry of a leaf."""
        return int(self._form.number.unpack_from(self._buffer, self._slot(self._table[index]))[0])

    def numbers(self) -> list[int]:
        """Inode numbers of the entries of a leaf."""
        unpack, at = self._form.number.unpack_from, self._at
        return [unpack(self._buffer, at + slot * SLOT)[0] for slot in self._table]

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
        return self._head.slots(len(key))

    def insert(self, index: int, key: bytes, value: bytes) -> None:
        """Add an entry; there have to be enough free slots.

        Args:
            index: its place in key order.
            key: its key.
            value: the inode number (and index) or the page's extent, as its bytes.
        """
        raw, at, codec = self._buffer, self._at, self._form.codec
        slots = []
        for _ in range(self.slots_of(key)):
            slot = raw[at + FREE_LIST_AT]
            raw[at + FREE_LIST_AT] = raw[self._slot(slot)]
            slots.append(slot)
        raw[at + FREE_COUNT_AT] -= len(slots)
        put_entry(codec, raw, at, slots, codec.dialect.sort_key(key), value, leaf=self.is_leaf)
        self._table.insert(index, slots[0])
        self.keys.insert(index, key)
        self._put_table()

    def remove(self, index: int) -> None:
        """Take an entry away; its slots go to the head of the free list in the order of its chain."""
        raw, at = self._buffer, self._at
        slot, chain, link = self._table[index], [], self._head.next
        for _ in range(self.slots_of(self.keys[index])):
            chain.append(slot)
            slot, link = raw[self._slot(slot) + link], 0
        following = [*chain[1:], raw[at + FREE_LIST_AT]]
        for slot, link in zip(chain, following, strict=True):
            base = self._slot(slot)
            raw[base], raw[base + 1] = link, 1
        raw[at + FREE_LIST_AT] = chain[0]
        raw[at + FREE_COUNT_AT] += len(chain)
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
        clear(self._buffer, flag, self._at)
        self._table, self.keys = [], []
        self._head = self._form.codec.leaf if self.is_leaf else self._form.codec.internal

    def _slot(self, slot: int) -> int:
        return self._at + slot * SLOT

    def _put_table(self) -> None:
        self._buffer[self._stbl : self._stbl + len(self._table)] = bytes(self._table)
        self._buffer[self._at + COUNT_AT] = len(self._table)
