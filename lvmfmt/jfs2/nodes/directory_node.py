"""A node of a directory tree, the root in an inode or a page: what is in it, and all that is wrong with it.

A node is a row of slots of 32 bytes. Slot 0 is the header; a page has its sorted table in slots of its own, a root in
the header. An entry begins in a head slot, which the table names, and goes on in a chain of others; the rest are on the
free list. Source: [jfs2 2.5] and [jfs2 invariant 60] to [jfs2 invariant 72].
"""

from __future__ import annotations

from operator import lt
from struct import Struct
from typing import NamedTuple

from ...layout.record import Record
from ..dialect import Dialect
from .fault import Fault
from .packed_extents import PackedExtents
from .tree_flags import INTERNAL, LEAF, ROOT_INTERNAL, ROOT_LEAF

SLOT = 32
ROOT_SLOTS = 9
ROOT_BYTES = ROOT_SLOTS * SLOT
FULL_PAGE_SLOTS = 128
TABLE_SLOTS = {16: 1, 32: 1, 64: 2, 128: 4}
"""Slots of the sorted table of a page, by slots of the page."""
CONTINUED = 30
"""Bytes of a name in a slot after the first."""
ROOT_INODE = 2
"""The root directory; it never appears as an entry."""
MAX_INODES = 1 << 43
"""Numbers end where the 32-bit numbers of inode allocation groups do."""
NUMBERS = range(ROOT_INODE + 1, MAX_INODES)
"""Inode numbers that an entry may have."""
DIRECTORY_SIZE_OF_ROOT = 256
"""`di_size` of a directory whose entries lie in its inode, without an index."""
FIRST_INDEX = 2
"""Of the indexes that the entries of a directory have (Linux: DIR_INDEX)."""
INLINE_INDEXES = 12
"""How many of them have their slot in the inode."""
INDEX_SLOTS_A_PAGE = 512
"""How many have their slot in a page of a longer table."""
END = 0xFF
"""The link at the end of a chain."""
FLAG_AT, COUNT_AT, FREE_COUNT_AT, FREE_LIST_AT, SLOTS_AT, TABLE_AT, SELF_AT = 16, 17, 18, 19, 20, 21, 24
_FLAG_BITS = 0xCF


class HeadSlot(NamedTuple):
    """Where the parts of a head slot lie.

    Attributes:
        record: its declaration.
        next: offset of the link to the next slot.
        length: offset of the units of the name.
        name: offset of the name.
        name_bytes: bytes of the name that it holds.
    """

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

    def slots(self, length: int) -> int:
        """Slots that a name of so many bytes takes."""
        return 1 + max(0, -(-(length - self.name_bytes) // CONTINUED))


class NodeHeader(NamedTuple):
    """What the header of a node says, as far as it makes sense.

    Attributes:
        raw: the bytes of the node.
        is_root: it lies in an inode.
        is_leaf: whether it holds entries, not routers.
        slots: how many it has, the header's among them.
        table: the sorted table: the head slot of each entry.
        reserved: slots that hold no entries, a bit each.
    """

    raw: bytes
    is_root: bool
    is_leaf: bool
    slots: int
    table: bytes
    reserved: int

    @property
    def structure(self) -> str:
        """Name of the header's structure."""
        return "dtree_root" if self.is_root else "dtree_page_header"

    @property
    def free_count(self) -> int:
        """Length of its free list as it has it."""
        return self.raw[FREE_COUNT_AT]


class NodeItem(NamedTuple):
    """An entry or a router.

    Attributes:
        slot: its head slot.
        coded: its name or key as it lies on the disk.
    """

    slot: int
    coded: bytes


class NodeContents(NamedTuple):
    """What the slots of a node hold.

    Attributes:
        items: entries or routers in the order of the table, those that can be read.
        keys: what each compares as, see `Dialect.sort_key`.
        used: slots of header, table and items, a bit each.
        free: slots on the free list, in its order, as far as it makes sense.
        faults: what is wrong with them.
    """

    items: list[NodeItem]
    keys: list[bytes]
    used: int
    free: list[int]
    faults: list[Fault]


class PagePlace(NamedTuple):
    """Where the nodes above a page say that it is.

    Attributes:
        address: its block.
        length: its length in blocks.
        low: sort key of its router; no key is below.
        high: sort key that all its keys are below; None at the right edge.
        leftmost: whether it is on the left edge.
        previous: block of the page before it on its level, 0 for none.
        following: block of the page after it.
        alone: it is the only page of the directory.
    """

    address: int
    length: int
    low: bytes
    high: bytes | None
    leftmost: bool
    previous: int
    following: int
    alone: bool


class DirectoryCodec:
    """Takes nodes apart.

    Args:
        dialect: structures and coding of names.
        block_size: bytes of a block.
        blocks: of the file system; no router points beyond.
        indexed: entries carry the index that the directory's table knows them by.
    """

    def __init__(self, dialect: Dialect, block_size: int, blocks: int, *, indexed: bool) -> None:
        self.dialect = dialect.with_index() if indexed else dialect
        self.block_size, self.blocks = block_size, blocks
        s = self.dialect.structures
        self.root_record, self.page_record = s.dtree_root, s.dtree_page_header
        self.leaf, self.internal = HeadSlot.of(s.leaf_slot), HeadSlot.of(s.internal_slot)
        self.number = _integer(s.leaf_slot, "inumber")
        self._tables: dict[int, Struct] = {}  # by slots
        self.parent = _integer(s.dtree_root, "idotdot")
        self.parent_at = s.dtree_root.offset_of("idotdot")
        self.root_table_at = s.dtree_root.offset_of("stbl")
        self.links = Struct(dialect.order + "qq")
        self.extents = PackedExtents(dialect)
        self._dots = (dialect.encode_name(b"."), dialect.encode_name(b".."))

    def head(self, node: NodeHeader) -> HeadSlot:
        """The form of the head slots of a node."""
        return self.leaf if node.is_leaf else self.internal

    def record_of(self, fault: Fault) -> Record:
        """The declaration of the structure that a fault is about."""
        records = (self.root_record, self.page_record, self.leaf.record, self.internal.record)
        return next(r for r in records if r.name.partition("_")[2].startswith(fault.structure))

    def parent_of(self, root: bytes) -> int:
        """Inode number of the directory that a root says it is in."""
        return int(self.parent.unpack_from(root, self.parent_at)[0])

    def siblings(self, page: bytes) -> tuple[int, int]:
        """Blocks of the next and the previous page, 0 for none."""
        following, previous = self.links.unpack_from(page)
        return int(following), int(previous)

    def number_of(self, node: NodeHeader, slot: int) -> int:
        """Inode number of the entry in a slot of a leaf."""
        return int(self.number.unpack_from(node.raw, slot * SLOT)[0])

    def numbers_of(self, node: NodeHeader, items: list[NodeItem]) -> list[int]:
        """Inode numbers of several entries of a leaf."""
        if (table := self._tables.get(node.slots)) is None:  # what lies where a number may, of every slot
            each = f"{self.number.format[1:]}{SLOT - self.number.size}x"
            table = self._tables[node.slots] = Struct(self.number.format[0] + each * node.slots)
        numbers = table.unpack_from(node.raw)
        return [numbers[item.slot] for item in items]

    def child_of(self, node: NodeHeader, slot: int) -> tuple[int, int]:
        """Block and length in blocks of the page that the router in a slot points to."""
        return self.extents.get_pxd(node.raw, slot * SLOT)

    def root(self, raw: bytes) -> tuple[NodeHeader, list[Fault]]:
        """The header of a root, 288 bytes, and what is wrong with it."""
        flag, count = raw[FLAG_AT], raw[COUNT_AT]
        is_leaf = flag & (LEAF | INTERNAL) == LEAF
        faults = []
        if flag not in (ROOT_LEAF, ROOT_INTERNAL):
            readable = flag & (LEAF | INTERNAL) in (LEAF, INTERNAL) and flag & 0x01
            faults.append(Fault("dtree-flag", "dtree_root", "flag", 16, "0x83 or 0x85", hex(flag), not readable))
        fewest = 1 if flag & (LEAF | INTERNAL) == INTERNAL else 0
        if not fewest <= count < ROOT_SLOTS:
            expected = f"{fewest} to {ROOT_SLOTS - 1}"
            faults.append(Fault("dtree-slots", "dtree_root", "nextindex", COUNT_AT, expected, count))
        table = raw[self.root_table_at : self.root_table_at + min(count, ROOT_SLOTS - 1)]
        return NodeHeader(raw, True, is_leaf, ROOT_SLOTS, table, 1), faults

    def page(self, raw: bytes, address: int) -> tuple[NodeHeader, list[Fault]]:
        """The header of a page, and what is wrong with it.

        Args:
            raw: 512, 1024, 2048 or 4096 bytes.
            address: its block.
        """
        flag, count, stbl = raw[FLAG_AT], raw[COUNT_AT], raw[TABLE_AT]
        slots = len(raw) // SLOT
        width = TABLE_SLOTS[slots]
        faults = []

        def wrong(check: str, field: str, offset: int, expected: object, found: object, misleads: bool = True) -> None:
            faults.append(Fault(check, "dtree_page_header", field, offset, expected, found, misleads))

        if flag & _FLAG_BITS not in (LEAF, INTERNAL):
            wrong("dtree-flag", "flag", FLAG_AT, "2 or 4", hex(flag), flag & 0x0F not in (LEAF, INTERNAL))
        if raw[SLOTS_AT] != slots:
            wrong("dtree-page-size", "maxslot", SLOTS_AT, slots, raw[SLOTS_AT])
        placed = 1 <= stbl <= slots - width
        if not placed:
            wrong("dtree-table-place", "stblindex", TABLE_AT, f"1 to {slots - width}", stbl)
        if count == 0:
            wrong("dtree-empty-page", "nextindex", COUNT_AT, f"1 to {slots - width - 1}", count)
        elif count > slots - width - 1:
            wrong("dtree-slots", "nextindex", COUNT_AT, f"1 to {slots - width - 1}", count)
            placed = False
        own, length = self.extents.get_pxd(raw, SELF_AT)
        if (own, length * self.block_size) != (address, len(raw)):
            expected = f"{len(raw) // self.block_size}@{address}"
            wrong("dtree-page-size", "self", SELF_AT, expected, f"{length}@{own}")
        table = raw[stbl * SLOT : stbl * SLOT + count] if placed else b""
        reserved = 1 | ((1 << width) - 1) << stbl if placed else 1
        return NodeHeader(raw, False, flag & (LEAF | INTERNAL) == LEAF, slots, table, reserved), faults

    def contents(self, node: NodeHeader) -> NodeContents:
        """The entries or routers of a node, its free list, and what is wrong with all of them."""
        head, raw, slots, used = self.head(node), node.raw, node.slots, node.reserved
        items: list[NodeItem] = []
        faults: list[Fault] = []
        next_at, length_at, name_at, name_bytes = head[1:]
        unit = self.dialect.name_unit
        for slot in node.table:
            if slot >= slots or used >> slot & 1:
                expected = "slots of the node, each once"
                faults.append(Fault("dtree-slots", node.structure, "stbl", 0, expected, slot))
                continue
            used |= 1 << slot
            base = slot * SLOT
            length = raw[base + length_at] * unit
            if length <= name_bytes and raw[base + next_at] == END:
                items.append(NodeItem(slot, raw[base + name_at : base + name_at + length]))
                continue
            coded, used = self._continued(node, slot, length, used, faults)
            if coded is not None:
                items.append(NodeItem(slot, coded))
        keys = self.dialect.sort_keys([item.coded for item in items])
        if not all(map(lt, keys, keys[1:])):
            i = next(i for i in range(1, len(keys)) if keys[i] <= keys[i - 1])
            faults.append(self.fault_of_order(node, items, i))
        if node.is_leaf:
            self._entries(node, items, faults)
        else:
            self._routers(node, items, faults)
        free = self._free(node, used, faults)
        return NodeContents(items, keys, used, free, faults)

    def coded(self, node: NodeHeader, slot: int) -> tuple[bytes, Fault | None]:
        """The name or key that begins in a slot of the table, and what is wrong with it."""
        if slot >= node.slots or node.reserved >> slot & 1:
            return b"", Fault("dtree-slots", node.structure, "stbl", 0, "slots of the node, each once", slot)
        head, raw, base = self.leaf if node.is_leaf else self.internal, node.raw, slot * SLOT
        length = raw[base + head.length] * self.dialect.name_unit
        if length <= head.name_bytes and raw[base + head.next] == END:  # nearly all
            first = base + head.name
            return raw[first : first + length], None
        faults: list[Fault] = []
        coded, _ = self._continued(node, slot, length, node.reserved | 1 << slot, faults)
        return coded or b"", faults[0] if faults else None

    def edges(self, node: NodeHeader) -> NodeContents:
        """The first and the last items of a node, which say where it belongs, and what is wrong with them."""
        table = node.table[:2] + node.table[2:][-1:]
        found = [(slot, *self.coded(node, slot)) for slot in table]
        keys = [self.dialect.sort_key(coded) for _, coded, _ in found]
        faults = [fault for _, _, fault in found if fault is not None]
        return NodeContents([NodeItem(slot, coded) for slot, coded, _ in found], keys, node.reserved, [], faults)

    def bad_names(self, names: list[bytes]) -> list[int]:
        """Which of some names, as they lie on the disk, are empty, a dot name, or hold a slash or NUL."""
        text = self.dialect.decode_name(b"".join(names))
        if all(names) and b"/" not in text and b"\0" not in text and not any(dots in names for dots in self._dots):
            return []
        return [i for i, name in enumerate(names) if self._is_bad(name)]

    def faults_of_place(self, node: NodeHeader, contents: NodeContents, place: PagePlace) -> list[Fault]:
        """What is wrong with a page where the nodes above say that it is."""
        faults = []
        structure, page = "dtree_page_header", node.raw
        following, previous = self.siblings(page)
        if (previous, following) != (place.previous, place.following):
            expected = f"{place.previous} and {place.following}"
            faults.append(Fault("dtree-shape", structure, "next", 0, expected, f"{previous} and {following}", False))
        if node.slots < FULL_PAGE_SLOTS and not (place.alone and node.is_leaf):
            expected = "a page of 4096 bytes, or the only one"
            faults.append(Fault("dtree-page-size", structure, "maxslot", SLOTS_AT, expected, node.slots, False))
        keys = contents.keys if node.is_leaf else [key for key in contents.keys[1:] if key]
        if keys and (min(keys) < place.low or (place.high is not None and max(keys) >= place.high)):
            faults.append(
                Fault("dtree-routers", structure, "stbl", 0, "names between its router and the next", "others", False)
            )
        return faults + ([] if node.is_leaf else self.faults_of_edge(contents.items, leftmost=place.leftmost))

    def faults_of_edge(self, items: list[NodeItem], *, leftmost: bool) -> list[Fault]:
        """Routers of an internal node that have no key though they should, or the other way round.

        Args:
            items: the routers.
            leftmost: whether the node is on the left edge of the tree.
        """
        return [
            Fault(
                "dtree-left-edge", "dtree_internal_slot", "namlen", item.slot * SLOT + self.internal.length,
                "no key" if item.coded else "a key", "a key" if item.coded else "no key", False, i,
            )
            for i, item in enumerate(items)
            if (not item.coded) != (leftmost and i == 0)
        ]  # fmt: skip

    def _continued(
        self, node: NodeHeader, slot: int, length: int, used: int, faults: list[Fault]
    ) -> tuple[bytes | None, int]:
        """A name of `length` bytes along its chain, None for one that cannot be read, and the slots used with it."""
        head, raw, base = self.head(node), node.raw, slot * SLOT
        structure = "dtree_leaf_slot" if node.is_leaf else "dtree_internal_slot"
        chain, used, link = follow(node, raw[base + head.next], used)
        if link != END:
            faults.append(
                Fault(_check(node, link), structure, "next", base + head.next, "a chain of its own slots", link)
            )
        need = head.slots(length)
        if 1 + len(chain) != need:
            faults.append(Fault("dtree-chains", structure, "namlen", base + head.length, need, 1 + len(chain)))
            return None, used
        parts = [raw[link * SLOT + 2 : link * SLOT + SLOT] for link in chain]
        first = base + head.name
        return b"".join((raw[first : first + head.name_bytes], *parts))[:length], used

    @staticmethod
    def fault_of_order(node: NodeHeader, items: list[NodeItem], i: int) -> Fault:
        """The fault of a name that is not above the one before it."""
        expected, offset = "a name above the one before it", items[i].slot * SLOT
        return Fault("dtree-order", node.structure, "stbl", offset, expected, items[i].slot, False, i)

    def _entries(self, node: NodeHeader, items: list[NodeItem], faults: list[Fault]) -> None:
        structure = "dtree_leaf_slot"
        for i in self.bad_names([item.coded for item in items]):
            at, name = items[i].slot * SLOT + self.leaf.name, self.dialect.decode_name(items[i].coded)
            faults.append(Fault("entry-name", structure, "name", at, "a file name", repr(name)[1:], entry=i))
        numbers = self.numbers_of(node, items)
        if numbers and not NUMBERS.start <= min(numbers) <= max(numbers) < NUMBERS.stop:
            faults += [
                self.fault_of_number(items[i].slot, number)._replace(entry=i)
                for i, number in enumerate(numbers)
                if number not in NUMBERS
            ]

    def _routers(self, node: NodeHeader, items: list[NodeItem], faults: list[Fault]) -> None:
        for item in items:
            address, length = self.child_of(node, item.slot)
            if (fault := self.fault_of_extent(item.slot, address, length)) is not None:
                faults.append(fault)
        text = self.dialect.decode_name(b"".join(item.coded for item in items))
        if b"\0" in text or b"/" in text:
            for item in items:
                if set(b"\0/") & set(name := self.dialect.decode_name(item.coded)):
                    at, expected = item.slot * SLOT + self.internal.name, "the start of a file name"
                    faults.append(
                        Fault("entry-name", "dtree_internal_slot", "name", at, expected, repr(name)[1:], False)
                    )

    def fault_of_extent(self, slot: int, address: int, length: int) -> Fault | None:
        """What is wrong with the extent of a page in the router of a slot."""
        structure, size = "dtree_internal_slot", length * self.block_size
        if address <= 0 or length <= 0 or address + length > self.blocks:
            expected = f"an extent inside blocks 1 to {self.blocks - 1}"
            return Fault("extent-range", structure, "pxd", slot * SLOT, expected, f"{length}@{address}")
        if size % SLOT or size // SLOT not in TABLE_SLOTS:
            return Fault("dtree-page-size", structure, "pxd", slot * SLOT, "512, 1024, 2048 or 4096 bytes", size)
        return None

    @staticmethod
    def fault_of_number(slot: int, number: int) -> Fault:
        """The fault of an entry whose inode number is none that it may have."""
        expected = f"{NUMBERS.start} to {NUMBERS.stop - 1}"
        return Fault("entry-inode", "dtree_leaf_slot", "inumber", slot * SLOT, expected, number)

    def _free(self, node: NodeHeader, used: int, faults: list[Fault]) -> list[int]:
        """The free list; with the used slots it makes up the node."""
        structure, count = node.structure, node.free_count
        expected = node.slots - used.bit_count()
        misleads = count != expected  # entries are missing or too many
        free, taken, link = follow(node, node.raw[FREE_LIST_AT], used)
        if link != END:
            other = "slots that nothing else uses"
            faults.append(Fault(_check(node, link), structure, "freelist", FREE_LIST_AT, other, link, misleads))
        if len(free) != count:
            faults.append(Fault("dtree-free-list", structure, "freecnt", FREE_COUNT_AT, len(free), count, misleads))
        elif taken.bit_count() != node.slots and link == END:
            faults.append(Fault("dtree-slots", structure, "freecnt", FREE_COUNT_AT, expected, count, misleads))
        return free

    def _is_bad(self, coded: bytes) -> bool:
        name = self.dialect.decode_name(coded)
        return not name or name in (b".", b"..") or b"/" in name or b"\0" in name


def follow(node: NodeHeader, link: int, used: int) -> tuple[list[int], int, int]:
    """Follow a chain of slots.

    Args:
        node: where it lies.
        link: its first slot, `END` for none.
        used: slots that are in use, a bit each; the chain ends before one of them.

    Returns:
        The slots of the chain, `used` with them, and the link behind them: `END`, or one that is impossible.
    """
    raw, slots = node.raw, node.slots
    chain: list[int] = []
    while link != END and 1 <= link < slots and not used >> link & 1:
        used |= 1 << link
        chain.append(link)
        link = raw[link * SLOT]
    return chain, used, link


def _check(node: NodeHeader, link: int) -> str:
    """The check that an impossible link breaks: it leads out of the node, or to a slot that is in use."""
    return "dtree-slots" if 1 <= link < node.slots else "dtree-free-list"


def _integer(record: Record, field: str) -> Struct:
    """An integer field of a record."""
    dtype = record.dtype[field]
    return Struct((">" if dtype.byteorder == ">" else "<") + {4: "I", 8: "Q"}[dtype.itemsize])
