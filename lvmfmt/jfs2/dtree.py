"""Reading directories: the entries of a B+-tree of 32-byte slots.

Source: reference section 2.5 and invariants 60 to 72.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..layout.jfs2 import LEAF_SLOT_INDEXED
from ..layout.record import Record
from .dialect import Dialect
from .dtree_leaves import LeafEntries, Leaves, decode_leaves
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
_TOGETHER = 256
"""Leaves that are decoded at a time."""


class Entry(NamedTuple):
    """A directory entry."""

    name: bytes
    number: int
    """Inode number."""


@dataclass(frozen=True)
class HeadSlot:
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


@dataclass(frozen=True)
class _Node:
    """A root or page, its sorted table taken apart."""

    raw: bytes
    at: int
    is_leaf: bool
    slots: bytes
    slot_count: int
    reserved: int
    free: int


class DirectoryReader:
    """Reads directories of one file system.

    Args:
        volume: the file system.
        indexed: entries carry a directory index (Linux dialect).
    """

    def __init__(self, volume: Volume, *, indexed: bool) -> None:
        self._volume = volume
        self._dialect: Dialect = volume.dialect
        structures = self._dialect.structures
        self._leaf = HeadSlot.of(LEAF_SLOT_INDEXED if indexed else structures.leaf_slot)
        self._internal = HeadSlot.of(structures.internal_slot)
        self._number = struct.Struct(self._dialect.order + ("I" if self._dialect.order == "<" else "Q"))
        self._address = struct.Struct(self._dialect.order + "I")
        self._stbl_at = structures.dtree_root.offset_of("stbl")

    def entries(self, root: bytes, *, at: int, pages: list[tuple[int, int]] | None = None) -> list[Entry]:
        """All entries in the order of the tree.

        Args:
            root: the tree root in the inode, 288 bytes.
            at: byte offset of the root in the device, for messages.
            pages: receives (address, length) in blocks of every page of the tree.

        Raises:
            CorruptImage: the directory makes no sense.
        """
        result: list[Entry] = []
        leaves = self._leaves(root, at, pages)
        while batch := list(islice(leaves, _TOGETHER)):
            for numbers, names in self._decoded(batch):
                result += map(Entry, names, numbers)
        return result

    def entries_of(self, roots: Iterable[tuple[bytes, int]]) -> Iterator[tuple[list[int], list[bytes]]]:
        """Inode numbers and names of the entries of many directories, in the order of each tree.

        Args:
            roots: tree root in the inode (288 bytes) and its byte offset in the device, for each; at least one.

        Raises:
            CorruptImage: a directory makes no sense.
        """
        owners: deque[int] = deque()  # index of the directory of each leaf that is not decoded yet

        def leaves() -> Iterator[_Node]:
            for i, (root, at) in enumerate(roots):
                for leaf in self._leaves(root, at, None):
                    owners.append(i)
                    yield leaf

        numbers: list[int] = []
        names: list[bytes] = []
        current, walk = 0, leaves()
        while batch := list(islice(walk, _TOGETHER)):
            for some_numbers, some_names in self._decoded(batch):
                if owners[0] != current:
                    yield numbers, names
                    numbers, names = [], []
                current = owners.popleft()
                numbers += some_numbers
                names += some_names
        yield numbers, names

    def pages(self, root: bytes, *, at: int) -> list[tuple[int, int]]:
        """(address, length) in blocks of every page of the tree; see `entries`."""
        pages: list[tuple[int, int]] = []
        for _ in self._leaves(root, at, pages):
            pass
        return pages

    def leaf_roots(self, roots: NDArray[np.uint8]) -> LeafEntries:
        """The entries of the directories that are nothing but a root in order; the others are not `good`.

        Args:
            roots: tree roots in inodes, shape (directories, 288).
        """
        heads = roots[:, self._stbl_at : self._stbl_at + ROOT_SLOTS - 1]
        counts = roots[:, 17].astype(np.int64)
        plain = (roots[:, 16] & (LEAF | INTERNAL | 0x01) == LEAF | 0x01) & (counts < ROOT_SLOTS)
        reserved = np.arange(ROOT_SLOTS)[None] == 0
        leaves = Leaves(roots, heads, np.where(plain, counts, 0), reserved, roots[:, 18])
        found = decode_leaves(self._dialect, self._leaf, leaves, NUMBERS)
        return replace(found, good=found.good & plain)

    def _decoded(self, leaves: list[_Node]) -> list[tuple[list[int], list[bytes]]]:
        """Inode numbers and names of the entries of each leaf; those of one size are taken apart together."""
        found: list[tuple[list[int], list[bytes]] | None] = [None] * len(leaves)
        for size in {leaf.slot_count for leaf in leaves}:
            which = [i for i, leaf in enumerate(leaves) if leaf.slot_count == size]
            if len(which) > 1:
                decoded = self._together([leaves[i] for i in which], size)
                bounds = np.searchsorted(decoded.leaf, np.arange(len(which) + 1)).tolist()
                numbers = decoded.numbers.tolist()
                for i, good, a, b in zip(which, decoded.good.tolist(), bounds[:-1], bounds[1:], strict=True):
                    found[i] = (numbers[a:b], decoded.names[a:b]) if good else None
        return [self._slot_by_slot(leaves[i]) if part is None else part for i, part in enumerate(found)]

    def _together(self, leaves: list[_Node], slots: int) -> LeafEntries:
        """The entries of leaves that are so many slots large."""
        width = max(len(leaf.slots) for leaf in leaves)
        raw = np.frombuffer(b"".join([leaf.raw for leaf in leaves]), np.uint8)
        heads = np.frombuffer(b"".join([leaf.slots.ljust(width, b"\0") for leaf in leaves]), np.uint8)
        reserved = np.frombuffer(b"".join([leaf.reserved.to_bytes(16, "little") for leaf in leaves]), np.uint8)
        return decode_leaves(
            self._dialect,
            self._leaf,
            Leaves(
                raw.reshape(len(leaves), -1),
                heads.reshape(len(leaves), width),
                np.array([len(leaf.slots) for leaf in leaves]),
                np.unpackbits(reserved.reshape(-1, 16), axis=1, bitorder="little")[:, :slots].view(bool),
                np.array([leaf.free for leaf in leaves], np.uint8),
            ),
            NUMBERS,
        )

    def _slot_by_slot(self, leaf: _Node) -> tuple[list[int], list[bytes]]:
        self._check_table(leaf)
        used = leaf.reserved
        numbers, names = [], []
        for slot in leaf.slots:
            coded, used = self._key(leaf, slot, self._leaf, used)
            names.append(self._name(leaf, slot, coded))
            numbers.append(self._inumber(leaf, slot))
        self._check_free(leaf, used)
        return numbers, names

    def lookup(self, root: bytes, name: bytes, *, at: int) -> int | None:
        """Inode number of the entry called `name`, or None.

        Raises:
            CorruptImage: the part of the directory that was looked at makes no sense.
        """
        coded = self._dialect.encode_name(name)
        node = self._root(root, at)
        seen: set[int] = set()
        for _ in range(MAX_DEPTH):
            after = self._first_after(node, coded)
            if node.is_leaf:
                slot = node.slots[after - 1] if after else -1
                return self._inumber(node, slot) if after and self._coded(node, slot) == coded else None
            node = self._child(node, node.slots[max(after, 1) - 1], seen)[0]
        raise self._too_deep(node)

    def _first_after(self, node: _Node, coded: bytes) -> int:
        """Index in the sorted table of the first key behind a name; the first router of all counts as before it."""
        order = self._dialect.sort_key
        key = order(coded)
        low, high = (0 if node.is_leaf else 1), len(node.slots)
        while low < high:
            middle = (low + high) // 2
            if order(self._coded(node, node.slots[middle])) > key:
                high = middle
            else:
                low = middle + 1
        return low

    def _coded(self, node: _Node, slot: int) -> bytes:
        """The on-disk key of an entry, which may lie anywhere in the node."""
        if slot >= node.slot_count or node.reserved >> slot & 1:
            raise self._bad_table(node, slot)
        return self._key(node, slot, self._leaf if node.is_leaf else self._internal, node.reserved)[0]

    def _leaves(self, root: bytes, at: int, pages: list[tuple[int, int]] | None) -> Iterator[_Node]:
        """The leaves from left to right, by descending the tree."""
        seen: set[int] = set()
        pending = [(self._root(root, at), 1)]
        while pending:
            node, depth = pending.pop()
            if node.is_leaf:
                yield node
                continue
            if depth >= MAX_DEPTH:
                raise self._too_deep(node)
            self._check_table(node)
            used = node.reserved
            children = []
            for slot in node.slots:
                _, used = self._key(node, slot, self._internal, used)
                child, extent = self._child(node, slot, seen)
                children.append((child, depth + 1))
                if pages is not None:
                    pages.append(extent)
            self._check_free(node, used)
            pending.extend(reversed(children))

    def _root(self, raw: bytes, at: int) -> _Node:
        kind, count = raw[16] & (LEAF | INTERNAL), raw[17]
        structure = "dtree_root"
        if kind not in (LEAF, INTERNAL) or not raw[16] & 0x01:
            raise self._volume.corrupt(structure, "flag", at + 16, "0x83 or 0x85", hex(raw[16]))
        if not (0 if kind == LEAF else 1) <= count < ROOT_SLOTS:
            raise self._volume.corrupt(structure, "nextindex", at + 17, f"at most {ROOT_SLOTS - 1}", count)
        slots = raw[self._stbl_at : self._stbl_at + count]
        return _Node(raw, at, kind == LEAF, slots, ROOT_SLOTS, 1, raw[18])

    def _child(self, node: _Node, slot: int, seen: set[int]) -> tuple[_Node, tuple[int, int]]:
        """The page that a router points to, and its extent."""
        volume, base = self._volume, slot * SLOT
        length = int.from_bytes(node.raw[base : base + 3], "big" if self._dialect.order == ">" else "little")
        address = node.raw[base + 3] << 32 | self._address.unpack_from(node.raw, base + 4)[0]
        at = node.at + base
        volume.check_extent(address, length, "dtree_internal_slot", "pxd", at)
        size = length * volume.block_size
        if size // SLOT not in STBL_SLOTS or size > PAGE:
            raise volume.corrupt("dtree_internal_slot", "pxd", at, "512, 1024, 2048 or 4096 bytes", size)
        if address in seen:
            raise volume.corrupt("dtree_internal_slot", "pxd", at, "a page that is not in the tree yet", address)
        seen.add(address)
        return self._page(volume.read(address, length).tobytes(), address, length), (address, length)

    def _page(self, raw: bytes, address: int, length: int) -> _Node:
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
        own = int.from_bytes(raw[24:27], "big" if self._dialect.order == ">" else "little")
        own_address = raw[27] << 32 | self._address.unpack_from(raw, 28)[0]
        if (own, own_address) != (length, address):
            raise corrupt(structure, "self", at + 24, f"{length}@{address}", f"{own}@{own_address}")
        slots = raw[stblindex * SLOT : stblindex * SLOT + count]
        reserved = 1 | ((1 << width) - 1) << stblindex
        return _Node(raw, at, kind == LEAF, slots, maxslot, reserved, free)

    def _check_table(self, node: _Node) -> None:
        taken = node.reserved
        for slot in node.slots:
            if slot >= node.slot_count or taken >> slot & 1:
                raise self._bad_table(node, slot)
            taken |= 1 << slot

    def _key(self, node: _Node, slot: int, head: HeadSlot, used: int) -> tuple[bytes, int]:
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

    def _name(self, node: _Node, slot: int, coded: bytes) -> bytes:
        name = self._dialect.decode_name(coded)
        if not name or name in (b".", b"..") or b"/" in name or b"\0" in name:
            raise self._volume.corrupt(
                "dtree_leaf_slot", "name", node.at + slot * SLOT + self._leaf.name, "a file name", repr(name)[1:]
            )
        return name

    def _inumber(self, node: _Node, slot: int) -> int:
        number = int(self._number.unpack_from(node.raw, slot * SLOT)[0])
        if number not in NUMBERS:
            raise self._volume.corrupt(
                "dtree_leaf_slot", "inumber", node.at + slot * SLOT, f"{ROOT_INODE + 1} to {MAX_INODES - 1}", number
            )
        return number

    def _check_free(self, node: _Node, used: int) -> None:
        """Slots in use and slots on the free list make up the node; otherwise entries are missing or too many."""
        free = node.slot_count - used.bit_count()
        if node.free != free:
            raise self._volume.corrupt(_structure(node), "freecnt", node.at + 18, free, node.free)

    def _bad_table(self, node: _Node, slot: int) -> Exception:
        return self._volume.corrupt(_structure(node), "stbl", node.at, "slots of the node, each once", slot)

    def _broken_chain(self, node: _Node, slot: int, head: HeadSlot) -> Exception:
        kind = "dtree_leaf_slot" if head is self._leaf else "dtree_internal_slot"
        return self._volume.corrupt(
            kind, "next", node.at + slot * SLOT + head.next, "a chain of slots as long as the name, then -1", "another"
        )

    def _too_deep(self, node: _Node) -> Exception:
        return self._volume.corrupt("dtree_page_header", "flag", node.at + 16, f"at most {MAX_DEPTH} levels", "more")


def _structure(node: _Node) -> str:
    return "dtree_root" if node.slot_count == ROOT_SLOTS else "dtree_page_header"
