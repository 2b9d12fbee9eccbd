"""Pages and inodes as a transaction changes them, and the log records that say what has changed.

What is logged is the difference between the bytes before and after, in slots of the object. Source: reference
sections 2.8 (data segments), 3.4 to 3.6 and item 16 of chapter 5.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dialect import LINUX, Dialect
from ..dtree import ROOT_SLOTS, SLOT
from ..geometry import INODE_SIZE, PAGE
from ..log.records import DTREE, XTREE
from ..xtree import FIRST_ENTRY, ROOT_OFFSET

ENTRY = 16
_NEW, _EXTENDED = 0x01, 0x02
_TAIL = 256
"""Where an inode's symlink or device number starts; the inline attributes follow."""

Ranges = list[tuple[int, bytes]]
"""(first slot, bytes) of changed slots."""
Extents = list[tuple[int, int]]
"""(block address, length) pairs."""


@dataclass
class InodeImage:
    """An inode in a transaction.

    Attributes:
        fileset: 16 for files, 1 for inodes of the aggregate.
        number: its number.
        at: byte offset in the device.
        data: its 512 bytes.
        before: what they were; empty for a new inode.
        dialect: structures and byte order.
    """

    fileset: int
    number: int
    at: int
    data: bytearray
    before: bytes
    dialect: Dialect

    @property
    def row(self) -> NDArray[Any]:
        """The inode as a record that can be changed, shape (1,)."""
        return np.frombuffer(self.data, self.dialect.structures.inode.dtype)

    def set_time(self, raw: bytes, *fields: str) -> None:
        """Set time stamps, as `time_bytes` gives them."""
        record = self.dialect.structures.inode
        for field in fields:
            at = record.offset_of(field)
            self.data[at : at + len(raw)] = raw

    @property
    def mode(self) -> int:
        """Type and permissions."""
        return int(self.row["di_mode"][0]) & 0xFFFF

    @property
    def kind(self) -> int:
        """The file type, as `stat.S_IFMT` gives it."""
        return stat.S_IFMT(self.mode)

    @property
    def links(self) -> int:
        """`di_nlink`."""
        return int(self.row["di_nlink"][0])

    @property
    def size(self) -> int:
        """`di_size` in bytes."""
        return int(self.row["di_size"][0])

    @property
    def near(self) -> int:
        """Block address of its inode extent."""
        return int(self.dialect.get_pxd(self.row["di_ixpxd"])[1][0])

    @property
    def tree(self) -> int:
        """XTREE, DTREE, or 0 for an inode without a tree."""
        if self.kind == stat.S_IFDIR:
            return DTREE
        inline = self.kind == stat.S_IFLNK and self.size < self.dialect.symlink_inline_limit
        return XTREE if self.kind in (stat.S_IFREG, stat.S_IFLNK) and not inline else 0

    @property
    def page_at(self) -> int:
        """Byte offset in the device of its page."""
        return self.at - self.number % (PAGE // INODE_SIZE) * INODE_SIZE

    @property
    def ranges(self) -> Ranges:
        """Changed slots of its page."""
        slot, base = (128, 128) if self.dialect is LINUX else (16, 160)
        first = self.number % (PAGE // INODE_SIZE) * INODE_SIZE // slot
        found: Ranges = []
        if not self.tree and self.data[_TAIL:] != self.before[_TAIL:] and self.links:
            found.append((first + _TAIL // slot, bytes(self.data[_TAIL:])))
        return [*found, (first, bytes(self.data[:base]))]

    def root_ranges(self, allocated: Extents) -> Ranges:
        """Changed slots of its tree root; none for a deleted file."""
        if not self.links:
            return []
        after, before = self.data[ROOT_OFFSET:], self.before[ROOT_OFFSET:]
        if self.tree == DTREE:
            return changed_slots(before[: ROOT_SLOTS * SLOT], after[: ROOT_SLOTS * SLOT])
        if self.tree == XTREE and after != before:
            return extent_ranges(self.dialect, before, after, allocated)
        # an inode that has no tree takes the header of one along, as Linux logs it
        return [(0, bytes(after[: FIRST_ENTRY * ENTRY]))] if self.kind == stat.S_IFLNK and not before else []


@dataclass
class PageImage:
    """A page of a tree in a transaction.

    Attributes:
        kind: XTREE or DTREE.
        address: its block.
        fileset: of the inode that it belongs to.
        owner: that inode.
        data: its 4096 bytes.
        before: what they were; for a new page those of an empty one.
        is_new: it was not in use before.
    """

    kind: int
    address: int
    fileset: int
    owner: int
    data: bytearray
    before: bytes
    is_new: bool

    def ranges(self, dialect: Dialect, allocated: Extents) -> Ranges:
        """Changed slots."""
        if self.kind == XTREE:
            if self.data == self.before and not self.is_new:
                return []
            return extent_ranges(dialect, b"" if self.is_new else self.before, self.data, allocated)
        return changed_slots(self.before, self.data, keep=FIRST_SLOTS if self.is_new else 0)


FIRST_SLOTS = 5
"""Header and sorted table of a full directory page: the slots that the record of a new page always has."""


def time_bytes(dialect: Dialect, now: int) -> bytes:
    """An instant in nanoseconds as a time stamp on the disk."""
    time = dialect.structures.time.empty_table(1)
    dialect.put_time(time, now)
    return time.tobytes()


def changed_slots(before: bytes, after: bytearray, *, keep: int = 0) -> Ranges:
    """Runs of slots of 32 bytes that differ; the first `keep` slots count as changed."""
    if not keep and before == after:
        return []
    if len(before) != len(after):
        return [(0, bytes(after))]
    slots = np.frombuffer(before, f"V{SLOT}") != np.frombuffer(bytes(after), f"V{SLOT}")
    slots[:keep] = True
    edges = np.flatnonzero(np.diff(slots, prepend=False, append=False))
    return [(a, bytes(after[a * SLOT : b * SLOT])) for a, b in edges.reshape(-1, 2).tolist()]


def extent_ranges(dialect: Dialect, before: bytes, after: bytearray, allocated: Extents) -> Ranges:
    """The header, and all entries from the first one that has changed.

    Entries with blocks that the transaction took are flagged NEW or EXTENDED: recovery marks these as in use.
    """
    header = dialect.structures.xtree_header
    end = int(header.table(after, 1)["nextindex"][0])
    # what lies behind the entries that there were is no entry, even if it looks like the new one
    known = int(header.table(before, 1)["nextindex"][0]) if before else FIRST_ENTRY
    first = FIRST_ENTRY
    while (
        first < min(end, known)
        and after[first * ENTRY : first * ENTRY + ENTRY] == before[first * ENTRY : first * ENTRY + ENTRY]
    ):
        first += 1
    found: Ranges = [(0, bytes(after[: FIRST_ENTRY * ENTRY]))]
    if first < end:
        entries = bytearray(after[first * ENTRY : end * ENTRY])
        xads = dialect.structures.xad.table(entries)
        _, length, address, _ = dialect.get_xad(xads)
        for start, count in allocated:
            touched = (address < start + count) & (address + length > start)
            whole = (address >= start) & (address < start + count)
            xads["flag"][touched & whole] |= _NEW
            xads["flag"][touched & ~whole & (xads["flag"] & _NEW == 0)] |= _EXTENDED
        found.append((first, bytes(entries)))
    return found


def segments(dialect: Dialect, ranges: Ranges, slot: int) -> bytes:
    """Ranges as the data of a REDOPAGE record: bytes, then a descriptor, for each."""
    parts: list[bytes] = []
    order: Any = "big" if dialect.order == ">" else "little"
    for first, data in ranges:
        parts += [data, first.to_bytes(2, order), (len(data) // slot).to_bytes(2, order)]
    return b"".join(parts)


def extent_lists(dialect: Dialect, extents: Extents, most: int = 250) -> Iterator[tuple[int, bytes]]:
    """Extents as data of UPDATEMAP records with lists of `xad`: (count, data)."""
    for at in range(0, len(extents), most):
        part = np.array(extents[at : at + most], np.int64)
        xads = dialect.structures.xad.empty_table(len(part))
        dialect.put_xad(xads, slice(None), 0, part[:, 0], part[:, 1])
        yield len(part), segments(dialect, [(FIRST_ENTRY, xads.tobytes())], ENTRY)
