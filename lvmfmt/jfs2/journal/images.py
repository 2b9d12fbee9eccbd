"""Pages and inodes as a transaction changes them, and the log records that say what has changed.

What is logged is the difference between the bytes before and after, in slots of the object. Source: the data
segments of [jfs2 2.8], and [jfs2 3.4 to 3.6, item 16].
"""

from __future__ import annotations

import stat
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import OperationRefused
from ..attributes.descriptor import INLINE_FLAG
from ..dialect.log_form import DTREE, TABLE, XTREE
from ..geometry import INODE_SIZE, INODES_PER_PAGE, MAX_EXTENT
from ..nodes.directory_node import FIRST_INDEX, INLINE_INDEXES, ROOT_SLOTS, SLOT
from ..nodes.extent_node import FIRST_ENTRY, ROOT_OFFSET, XAD_EXTENDED, XAD_NEW
from ..nodes.packed_extents import ENTRY, Piece
from .coding import Coding
from .dtree_node import NodeFormat, NodeImage

_TAIL = 256
"""Where an inode's symlink or device number starts; the inline attributes follow."""
_INLINE_ATTRIBUTES = 384
INDEX_AT, INDEX_BYTES = 128, 96
"""Where a directory's index (Linux dialect) lies in its inode: 12 slots, or the root of the tree of its pages."""
_INDEX_BASE = 256
"""Bytes of an inode's base with the index."""

Ranges = list[tuple[int, bytes]]
"""(first slot, bytes) of changed slots."""
Extents = list[tuple[int, int]]
"""(block address, length) pairs."""


class _Number:
    """An integer field of an inode, as an attribute."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, image: InodeImage, owner: object = None) -> int:
        packing, at = image.coding.fields[self._name]
        value: int = packing.unpack_from(image.data, at)[0]
        return value

    def __set__(self, image: InodeImage, value: int) -> None:
        packing, at = image.coding.fields[self._name]
        try:
            packing.pack_into(image.data, at, value)
        except struct.error:
            raise OperationRefused(f"{self._name} cannot be {value!r:.40}") from None


class InodeImage:
    """An inode in memory, as the last commit or the transaction that is going on leaves it.

    Args:
        fileset: 16 for files, 1 for inodes of the aggregate.
        number: its number.
        at: byte offset in the device.
        data: its 512 bytes.
        coding: how they are laid out.

    Attributes:
        before: the bytes before the transaction that is going on; empty for a new inode.
        mode_word: `di_mode` with the attributes beyond POSIX.
        links: `di_nlink`.
        size: `di_size` in bytes.
        blocks: `di_nblocks`.
        uid: `di_uid`.
        gid: `di_gid`.
        generation: `di_gen`.
        next_index: `di_next_index`, Linux dialect: the next index of a directory's entry.
        index_pages: block addresses of the pages of a directory's index; None while they are not known.
    """

    mode_word, links, size, blocks = _Number("di_mode"), _Number("di_nlink"), _Number("di_size"), _Number("di_nblocks")
    uid, gid, generation = _Number("di_uid"), _Number("di_gid"), _Number("di_gen")
    next_index = _Number("di_next_index")

    def __init__(self, fileset: int, number: int, at: int, data: bytearray, coding: Coding) -> None:
        self.fileset, self.number, self.at, self.data, self.coding = fileset, number, at, data, coding
        self.before = b""
        self.index_pages: list[int] | None = None
        self._root: NodeImage | None = None

    @property
    def row(self) -> NDArray[Any]:
        """The inode as a record that can be changed, shape (1,)."""
        return np.frombuffer(self.data, self.coding.dialect.structures.inode.dtype)

    def root(self, form: NodeFormat) -> NodeImage:
        """The root of the directory tree in it."""
        if self._root is None:
            self._root = NodeImage(form, self.data, ROOT_OFFSET, self.at + ROOT_OFFSET, is_root=True)
        return self._root

    def set_root(self, root: bytes) -> None:
        """Put the root of another tree into it."""
        self.data[ROOT_OFFSET : ROOT_OFFSET + len(root)] = root
        self._root = None

    def set_identity(self, number: int, generation: int, extent: int, blocks: int) -> None:
        """Name a new inode, and the inode extent that it lies in: its block address and length."""
        packing, at = self.coding.fields["di_number"]
        packing.pack_into(self.data, at, number)
        self.generation = generation
        at = self.coding.places["di_ixpxd"]
        self.data[at : at + 8] = self.coding.pxd(extent, blocks)

    def set_time(self, raw: bytes, *fields: str) -> None:
        """Set time stamps, as `Coding.time` gives them."""
        for field in fields:
            at = self.coding.places[field]
            self.data[at : at + len(raw)] = raw

    @property
    def mode(self) -> int:
        """Type and permissions."""
        return self.mode_word & 0xFFFF

    @property
    def kind(self) -> int:
        """The file type, as `stat.S_IFMT` gives it."""
        return self.mode_word & 0xF000

    @property
    def near(self) -> int:
        """Block address of its inode extent."""
        return self.coding.get_pxd(self.data, self.coding.places["di_ixpxd"])[0]

    @property
    def tree(self) -> int:
        """XTREE, DTREE, or 0 for an inode without a tree."""
        kind = self.kind
        if kind == stat.S_IFREG:
            return XTREE
        if kind == stat.S_IFDIR:
            return DTREE
        return XTREE if kind == stat.S_IFLNK and self.size >= self.coding.dialect.symlink_inline_limit else 0

    @property
    def page_at(self) -> int:
        """Byte offset in the device of its page."""
        return self.at - self.number % INODES_PER_PAGE * INODE_SIZE

    @property
    def ranges(self) -> Ranges:
        """Changed slots of its page."""
        form = self.coding.dialect.inode_form
        slot, base = form.log_slot, form.first_slots
        first = self.number % INODES_PER_PAGE * INODE_SIZE // slot
        found: Ranges = []
        # behind a tree only inline attributes, which are logged as they change
        tail = _TAIL if not self.tree else _INLINE_ATTRIBUTES if self._has_inline_attributes else INODE_SIZE
        if self.data[tail:] != self.before[tail:] and self.links:
            found.append((first + tail // slot, bytes(self.data[tail:])))
        if self._has_changed_index and not self._has_index_pages(self.data):
            base = _INDEX_BASE
        return [*found, (first, bytes(self.data[:base]))]

    @property
    def _has_changed_index(self) -> bool:
        if self.kind != stat.S_IFDIR or not self.coding.dialect.has_directory_indexes:
            return False
        index = slice(INDEX_AT, INDEX_AT + INDEX_BYTES)
        return self.data[index] != (self.before[index] or bytes(INDEX_BYTES))

    def _has_index_pages(self, data: bytes | bytearray) -> bool:
        packing, at = self.coding.fields["di_next_index"]
        return bool(data) and int(packing.unpack_from(data, at)[0]) - FIRST_INDEX > INLINE_INDEXES

    def index_ranges(self, allocated: Extents) -> Ranges:
        """Changed slots of the root of its index's tree; none while the index fits the inode."""
        if not self.links or not self._has_changed_index or not self._has_index_pages(self.data):
            return []
        index = slice(INDEX_AT, INDEX_AT + INDEX_BYTES)
        before = self.before[index] if self._has_index_pages(self.before) else b""
        return extent_ranges(self.coding, before, self.data[index], allocated)

    @property
    def _has_inline_attributes(self) -> bool:
        coding = self.coding
        return coding.attributes_behind_tree and bool(self.data[coding.attributes_at] & INLINE_FLAG)

    def root_ranges(self, allocated: Extents) -> Ranges:
        """Changed slots of its tree root; none for a deleted file."""
        if not self.links:
            return []
        after, before = self.data[ROOT_OFFSET:], self.before[ROOT_OFFSET:]
        if after == before:
            return []
        tree = self.tree
        if tree == DTREE:
            return changed_slots(before[: ROOT_SLOTS * SLOT], after[: ROOT_SLOTS * SLOT])
        if tree == XTREE:
            used = ENTRY * self.coding.entry_count(after)
            if after[:used] == before[:used]:  # inline attributes have changed, which go with the inode
                return []
            return extent_ranges(self.coding, before, after, allocated)
        # an inode that has no tree takes the header of one along, as Linux logs it
        return [(0, bytes(after[: FIRST_ENTRY * ENTRY]))] if self.kind == stat.S_IFLNK and not before else []


@dataclass
class ProvenNode:
    """A node of an extent tree that has no fault in its place.

    Attributes:
        block: block address of its page; 0 for a root.
        links: block addresses of its left and its right sibling, 0 for none.
        first: the key of its router.
        end: the key of the next one.
        is_leaf: whether its entries are extents of the file.
        entries: extents or routers.
    """

    block: int
    links: tuple[int, int]
    first: int
    end: int
    is_leaf: bool
    entries: list[Piece]


class PageImage:
    """A page of a tree in memory, as the last commit or the transaction that is going on leaves it.

    Args:
        kind: XTREE, DTREE or TABLE (a directory's index).
        address: its block.
        owner: the inode that it belongs to.
        data: its bytes: 4096, or less for the only page of a small AIX directory.

    Attributes:
        before: the bytes before the transaction that is going on; for a new page those of an empty one.
        is_new: it was not in use before that transaction.
        proven: what its bytes are in an extent tree, where that is known.
    """

    def __init__(self, kind: int, address: int, owner: InodeImage, data: bytearray) -> None:
        self.kind, self.address, self.data = kind, address, data
        self.fileset, self.owner = owner.fileset, owner.number
        self.before = b""
        self.is_new = False
        self.proven: ProvenNode | None = None
        self._node: NodeImage | None = None

    def node(self, form: NodeFormat) -> NodeImage:
        """The node of a directory tree that it holds."""
        if self._node is None:
            place = self.address * form.volume.block_size
            self._node = NodeImage(form, self.data, 0, place, is_root=False, is_new=self.is_new)
        return self._node

    def ranges(self, coding: Coding, allocated: Extents) -> Ranges:
        """Changed slots."""
        if self.data == self.before and not self.is_new:
            return []
        if self.kind == XTREE:
            return extent_ranges(coding, b"" if self.is_new else self.before, self.data, allocated)
        if self.kind == TABLE:
            return [(0, bytes(self.data))] if self.is_new else changed_slots(self.before, self.data, slot=ENTRY)
        return changed_slots(self.before, self.data, keep=FIRST_SLOTS if self.is_new else 0)


FIRST_SLOTS = 5
"""Header and sorted table of a full directory page: the slots that the record of a new page always has."""


def changed_slots(before: bytes, after: bytearray, *, keep: int = 0, slot: int = SLOT) -> Ranges:
    """Runs of slots of `slot` bytes that differ; the first `keep` slots count as changed."""
    per_slot = slot // 8
    if len(before) != len(after):
        return [(0, bytes(after))]
    words = bytearray((np.frombuffer(before, np.uint64) != np.frombuffer(after, np.uint64)).tobytes())
    words[: keep * per_slot] = b"\1" * (keep * per_slot)
    found: Ranges = []
    at = words.find(1)
    while at >= 0:
        first = end = at // per_slot
        while words.find(1, end * per_slot, (end + 1) * per_slot) >= 0:
            end += 1
        found.append((first, bytes(after[first * slot : end * slot])))
        at = words.find(1, end * per_slot)
    return found


def extent_ranges(coding: Coding, before: bytes, after: bytearray, allocated: Extents) -> Ranges:
    """The header, and all entries from the first one that has changed.

    Entries with blocks that the transaction took are flagged NEW or EXTENDED: recovery marks these as in use.
    """
    end = coding.entry_count(after, 0)
    # what lies behind the entries that there were is no entry, even if it looks like the new one
    known = coding.entry_count(before, 0) if before else FIRST_ENTRY
    first, different = FIRST_ENTRY, min(end, known)
    while first < different:
        middle = (first + different + 1) // 2
        if after[first * ENTRY : middle * ENTRY] == before[first * ENTRY : middle * ENTRY]:
            first = middle
        else:
            different = middle - 1
    found: Ranges = [(0, bytes(after[: FIRST_ENTRY * ENTRY]))]
    if first < end:
        entries = after[first * ENTRY : end * ENTRY]
        if runs := sorted(allocated):
            low, high = runs[0][0], sum(runs[-1])
            for i, (_, length, address, _) in enumerate(coding.entries(after, 0, first, end)):
                if low < address + length and address < high:
                    entries[i * ENTRY] |= _mark(address, length, runs)
        found.append((first, bytes(entries)))
    return found


def _mark(address: int, length: int, runs: Extents) -> int:
    """The flag that the blocks of an entry, taken in runs (ascending) or not, ask for."""
    i = bisect_right(runs, (address, 1 << 62))
    if i and address < sum(runs[i - 1]):
        return XAD_NEW
    return XAD_EXTENDED if i < len(runs) and runs[i][0] < address + length else 0


def segments(coding: Coding, ranges: Ranges, slot: int) -> bytes:
    """Ranges as the data of a REDOPAGE record: bytes, then a descriptor, for each."""
    parts: list[bytes] = []
    for first, data in ranges:
        parts += [data, first.to_bytes(2, coding.order), (len(data) // slot).to_bytes(2, coding.order)]
    return b"".join(parts)


def extent_lists(coding: Coding, extents: Extents, most: int = 500) -> Iterator[tuple[int, bytes]]:
    """The blocks of extents as data of UPDATEMAP records with lists of `pxd`: (count, data)."""
    runs = block_runs(extents)
    for at in range(0, len(runs), most):
        part = [coding.pxd(address, length) for address, length in runs[at : at + most]]
        yield len(part), segments(coding, [(0, b"".join(part))], len(part[0]))


def block_runs(extents: Extents) -> Extents:
    """Extents in ascending order; those that continue each other are one, as far as an extent may be long."""
    found: Extents = []
    for address, length in sorted(extents):
        if found and sum(found[-1]) == address and found[-1][1] + length <= MAX_EXTENT:
            found[-1] = found[-1][0], found[-1][1] + length
        else:
            found.append((address, length))
    return found
