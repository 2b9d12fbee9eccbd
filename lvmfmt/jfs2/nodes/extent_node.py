"""A node of an extent tree, the root in an inode or a page: the one decoder, and the one writer.

Twins for speed, each held against the decoder by a property: `ExtentNodeCodec.sound_root` for one root of a transaction
and `extent_roots` for tables of inodes. Source: [jfs2 2.4], [jfs2 3.4], [jfs2 invariants 16 and 52 to 59].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..dialect import Dialect
from .fault import Fault
from .packed_extents import ENTRY, PackedExtents, Piece
from .tree_flags import INTERNAL, LEAF, ROOT_INTERNAL, ROOT_LEAF

FIRST_ENTRY = 2
ROOT_OFFSET = 224
"""Where a tree root lies in an inode."""
ROOT_MAXENTRY, PAGE_MAXENTRY = 18, 256
INDEX_ROOT_MAXENTRY = 6
"""`maxentry` of the root of the tree of a directory's index (Linux)."""
ROOT_ENTRIES, PAGE_ENTRIES = ROOT_MAXENTRY - FIRST_ENTRY, PAGE_MAXENTRY - FIRST_ENTRY
INDEX_ROOT_ENTRIES = INDEX_ROOT_MAXENTRY - FIRST_ENTRY
SIDES = 0x30
"""Bits of a flag that mark the left and right edge; nobody uses them, and `jfs_fsck` takes them amiss in roots."""
NEVER_WRITTEN = 0x0C
"""Flags of an extent that is allocated but reads as zeros: ABNR of AIX, NOTRECORDED of Linux."""
XAD_NEW, XAD_EXTENDED = 0x01, 0x02
"""Flags of extents in the log; none has them on the disk."""
NO_END = 1 << 62
"""A block behind every file."""

FILE_EXTENT = np.dtype([("offset", "<i8"), ("length", "<i8"), ("address", "<i8"), ("flag", "u1")])
"""dtype of an extent of a file, in blocks."""


class ExtentTreeLimits(NamedTuple):
    """What holds for all nodes of a tree.

    Attributes:
        blocks: usable blocks of the file system.
        blocks_per_page: blocks of a page.
        root_capacities: what `maxentry` of the root may be.
    """

    blocks: int
    blocks_per_page: int
    root_capacities: tuple[int, ...]


class ExtentNodePlace(NamedTuple):
    """Where a node is in its tree, and what it has to be there; without arguments: a root.

    Attributes:
        block: block address of a page; None for a root.
        links: block addresses of its left and its right sibling, 0 for none.
        first: the smallest offset that it may hold: its router's.
        end: the offset that is too large: the next router's.
        after: block behind the last extent in the leaves before it.
        is_leaf: what its siblings are; None while that is not known.
    """

    block: int | None = None
    links: tuple[int, int] = (0, 0)
    first: int = 0
    end: int = NO_END
    after: int = 0
    is_leaf: bool | None = None


@dataclass
class ExtentNode:
    """What is in a node.

    Attributes:
        is_leaf: whether its entries are extents of the file; None if it does not say.
        maxentry: index after the last entry there is room for, as it says.
        entries: array of `FILE_EXTENT`; where the count makes no sense, those up to the first that cannot be one.
        inside: which of them lie inside the file system, shape of `entries`.
        is_sure: kind and count make sense.
        faults: all that is wrong, in the order of the bytes: header, then entries.
    """

    is_leaf: bool | None
    maxentry: int
    entries: NDArray[Any]
    inside: NDArray[np.bool_]
    is_sure: bool
    faults: list[Fault]

    def children(self, limits: ExtentTreeLimits, end: int) -> list[tuple[int, int, int, int]]:
        """(index, block, smallest key, key that is too large) of the pages below that make sense.

        Args:
            limits: of the tree.
            end: the key that is too large for the node.
        """
        keys = [*self.entries["offset"].tolist(), end]
        good = self.inside & (self.entries["length"] == limits.blocks_per_page)
        address = self.entries["address"].tolist()
        return [(i, address[i], keys[i], keys[i + 1]) for i in np.flatnonzero(good).tolist()]


class ExtentNodeCodec(PackedExtents):
    """Takes nodes apart and writes them.

    Args:
        dialect: structures, byte order and flags.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.dialect = dialect
        record, order = dialect.structures.xtree_header, dialect.order
        self._record, self._xad = record, dialect.structures.xad
        self._header = Struct(order + "qqBxhh2xII")
        self._links, self._counts = Struct(order + "qq"), Struct(order + "hh")
        self._flag_at, self._counts_at = record.offset_of("flag"), record.offset_of("nextindex")
        self._self_at = record.offset_of("self")

    def decode(self, raw: NDArray[np.uint8], limits: ExtentTreeLimits, place: ExtentNodePlace) -> ExtentNode:
        """What is in a node, and all that is wrong with it.

        Args:
            raw: its bytes: a page, or a root of 288 bytes (96 for the index of a directory).
            limits: of the tree.
            place: what it has to be.
        """
        following, before, flag, count, most, mixed, low = self._header.unpack_from(raw)
        is_page, room, faults = place.block is not None, len(raw) // ENTRY, []
        kind = {LEAF: True, INTERNAL: False}.get(flag & (LEAF | INTERNAL))

        def wrong(check: str, field: str, expected: object, found: object, misleads: bool = True) -> None:
            offset = self._record.offset_of(field)
            faults.append(Fault(check, self._record.name, field, offset, expected, found, misleads))

        if is_page and (before, following) != place.links:
            wrong("xtree-shape", "next", "siblings {} and {}".format(*place.links), f"{before} and {following}", False)
        known = (LEAF, INTERNAL) if is_page else (ROOT_LEAF, ROOT_INTERNAL)
        if flag & (~SIDES if is_page else 0xFF) not in known:
            wrong("xtree-flag", "flag", " or ".join(map(hex, known)), hex(flag), kind is None)
        elif place.is_leaf not in (None, kind):
            wrong("xtree-shape", "flag", "leaves or internal pages on one level", "both", False)
        capacities = (PAGE_MAXENTRY,) if is_page else limits.root_capacities
        if most not in capacities:
            misleads = is_page or not FIRST_ENTRY < most <= room
            wrong("xtree-capacity", "maxentry", " or ".join(map(str, capacities)), most, misleads)
        fewest = FIRST_ENTRY + (is_page or kind is False)
        last = most if most in capacities else room
        if not fewest <= count <= last:
            wrong("xtree-count", "nextindex", f"{fewest} to {last}", count)
        if is_page and (own := self.place(mixed, low)) != (place.block, limits.blocks_per_page):
            expected = f"{limits.blocks_per_page}@{place.block}"
            wrong("xtree-self", "self", expected, f"{own[1]}@{own[0]}")
        is_counted = fewest - (kind is False and not is_page) <= count <= room
        table = self._xad.table(raw, (count if is_counted else room) - FIRST_ENTRY, FIRST_ENTRY * ENTRY)
        entries = file_extents(self.dialect, table)
        end = entries["address"] + entries["length"]
        inside = (entries["address"] > 0) & (entries["length"] > 0) & (end <= limits.blocks)
        if not is_counted:
            known_entries = int(np.append(inside, False).argmin())
            entries, inside = entries[:known_entries], inside[:known_entries]
        elif kind is not None and count > FIRST_ENTRY:
            faults += self._judge(entries, inside, limits, place, kind)
        return ExtentNode(kind, most, entries, inside, is_counted and kind is not None, faults)

    def _judge(
        self,
        entries: NDArray[Any],
        inside: NDArray[np.bool_],
        limits: ExtentTreeLimits,
        place: ExtentNodePlace,
        is_leaf: bool,
    ) -> list[Fault]:
        """What is wrong with the entries of a node."""
        offset, length, address, flag = (entries[name] for name in ("offset", "length", "address", "flag"))
        faults: list[Fault] = []

        def wrong(check: str, field: str, i: int, expected: object, found: object, misleads: bool = True) -> None:
            faults.append(self.entry_fault(check, field, i, expected, found, misleads))

        for i in np.flatnonzero(~inside).tolist():
            expected = f"an extent inside blocks 1 to {limits.blocks - 1}"
            wrong("extent-range", "addr_lo", i, expected, f"{length[i]}@{address[i]}")
        known = self.dialect.extent_flags if is_leaf else 0
        for i in np.flatnonzero(flag & ~np.uint8(known)).tolist():
            wrong("extent-flags", "flag", i, f"none but {known:#x}", hex(flag[i]), False)
        if is_leaf:
            before = np.concatenate(([place.after], (offset + length)[:-1]))
            for i in np.flatnonzero(offset < before).tolist():
                wrong("xtree-order", "off_lo", i, f"{before[i]} or more", offset[i])
        else:
            after = np.append(offset[1:], place.end)
            for i in np.flatnonzero(offset >= after).tolist():
                wrong("xtree-order", "off_lo", i, f"less than {after[i]}", offset[i], False)
            for i in np.flatnonzero(inside & (length != limits.blocks_per_page)).tolist():
                wrong("xtree-self", "len", i, f"{limits.blocks_per_page} blocks of a page", length[i])
            if place.block is None and offset[0]:
                wrong("xtree-left-edge", "off_lo", 0, 0, offset[0], False)
        if place.block is not None:
            low, high = int(offset[0]), int(offset.max())
            if low < place.first or high >= place.end:
                until = "the end" if place.end == NO_END else place.end
                wrong("xtree-routers", "off_lo", 0, f"offsets {place.first} to {until}", f"{low} to {high}", False)
        return faults

    def entry_fault(
        self, check: str, field: str, entry: int, expected: object, found: object, misleads: bool = True
    ) -> Fault:
        """The fault of a field of the entry with this index, from 0."""
        at = (FIRST_ENTRY + entry) * ENTRY + self._xad.offset_of(field)
        return Fault(check, self._xad.name, field, at, expected, found, misleads, entry)

    def own_place(self, page: NDArray[np.uint8]) -> tuple[int, int]:
        """Address and length that a page says it has."""
        return self.place(*self._header.unpack_from(page)[-2:])

    def entry_count(self, node: bytes | bytearray, at: int = 0) -> int:
        """`nextindex` of the node that starts at an offset of a buffer, unchecked; 2 in an empty one."""
        return int(self._counts.unpack_from(node, at + self._counts_at)[0])

    def maxentry(self, node: bytes | bytearray, at: int = 0) -> int:
        """`maxentry` of the node that starts at an offset of a buffer, unchecked."""
        return int(self._counts.unpack_from(node, at + self._counts_at)[1])

    def sound_root(
        self, node: bytearray, at: int, room: int, limits: ExtentTreeLimits
    ) -> tuple[bool, list[Piece]] | None:
        """Whether a root without any fault is a leaf, and its entries; None for all others, which `decode` takes apart.

        Args:
            node: buffer with the root.
            at: where the root starts in it.
            room: entries that it has bytes for, and 2.
            limits: of the tree.
        """
        count, most = self._counts.unpack_from(node, at + self._counts_at)
        leaf = {ROOT_LEAF: True, ROOT_INTERNAL: False}.get(node[at + self._flag_at])
        if leaf is None or most not in limits.root_capacities:
            return None
        if not FIRST_ENTRY + (not leaf) <= count <= min(most, room):
            return None
        found, end, strange = self.entries(node, at, FIRST_ENTRY, count), 0, ~self.dialect.extent_flags
        for offset, length, address, flag in found:
            if offset < end or not 0 < address < address + length <= limits.blocks or flag & strange:
                return None
            if not leaf and (flag or length != limits.blocks_per_page):
                return None
            end = offset + (length if leaf else 1)
        return None if not leaf and found[0][0] else (leaf, found)

    def write_root(
        self, root: bytearray | NDArray[np.uint8], at: int, entries: Sequence[Piece], *, leaf: bool, maxentry: int
    ) -> None:
        """Write the root that starts at an offset of a buffer; what a root has no use for stays as it is.

        Args:
            root: the buffer.
            at: where the root starts in it.
            entries: extents of the file, or routers to pages.
            leaf: which of them.
            maxentry: index after the last entry there is room for.
        """
        self._write(root, at, entries, ROOT_LEAF if leaf else ROOT_INTERNAL, maxentry)

    def write_page(
        self, page: bytearray | NDArray[np.uint8], entries: Sequence[Piece], *, leaf: bool, block: int, length: int,
        links: tuple[int, int],
    ) -> None:  # fmt: skip
        """Write a page; what lies behind its entries stays as it is.

        Args:
            page: its bytes.
            entries: extents of the file, or routers to pages.
            leaf: which of them.
            block: its address.
            length: its blocks.
            links: block addresses of its left and its right sibling, 0 for none.
        """
        self._links.pack_into(page, 0, links[1], links[0])
        memoryview(page)[self._self_at : self._self_at + 8] = self.pxd(block, length)
        self._write(page, 0, entries, LEAF if leaf else INTERNAL, PAGE_MAXENTRY)

    def splice(self, page: bytearray, first: int, end: int, new: Sequence[Piece]) -> None:
        """Put entries in the place of those with the indexes `first` to `end` - 1, from 0, of a sound page."""
        count = self.entry_count(page)
        at, behind = (FIRST_ENTRY + first) * ENTRY, (FIRST_ENTRY + end) * ENTRY
        changed = self.put_entries(new) + page[behind : count * ENTRY]
        page[at : at + len(changed)] = changed
        self._counts.pack_into(page, self._counts_at, count + len(new) - (end - first), PAGE_MAXENTRY)

    def put_links(self, page: bytearray, links: tuple[int, int]) -> None:
        """Give a page siblings: block addresses of the left and the right one, 0 for none."""
        self._links.pack_into(page, 0, links[1], links[0])

    def _write(
        self, node: bytearray | NDArray[np.uint8], at: int, entries: Sequence[Piece], flag: int, most: int
    ) -> None:
        node[at + self._flag_at] = flag
        self._counts.pack_into(node, at + self._counts_at, FIRST_ENTRY + len(entries), most)
        first = at + FIRST_ENTRY * ENTRY
        memoryview(node)[first : first + len(entries) * ENTRY] = self.put_entries(entries)


def first_xad(dialect: Dialect, root: NDArray[np.uint8]) -> NDArray[Any]:
    """The first entry of a root as a record that can be changed, shape (1,) of the xad dtype."""
    return root[FIRST_ENTRY * ENTRY : (FIRST_ENTRY + 1) * ENTRY].view(dialect.structures.xad.dtype)


def file_extents(dialect: Dialect, xads: NDArray[Any]) -> NDArray[Any]:
    """A table of `xad` as an array of `FILE_EXTENT`, unchecked."""
    extents = np.empty(len(xads), FILE_EXTENT)
    offset, length, address, flag = dialect.get_xad(xads)
    extents["offset"], extents["length"], extents["address"], extents["flag"] = offset, length, address, flag
    return extents
