"""What committed records say of pages: for every 16 bytes the newest record decides.

Records come newest first. What a record says of a unit that a newer one has decided is old news; what it says of an
object that a newer record has given up (a freed page, a deleted inode) is forgotten. Source: [jfs2 2.8] and
[jfs2 3.10.6] to [jfs2 3.10.8].
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from ...block import BlockDevice
from ...errors import UnsupportedFeature
from ..dialect.log_form import BTROOT, DIR_XTREE, DTREE, EXTEND, INODE, NEW, XTREE
from ..geometry import (
    AIM_OFFSET,
    BLOCK_MAP_OFFSET,
    INODE_SIZE,
    INODES_PER_EXTENT,
    INODES_PER_PAGE,
    PAGE,
    SUPERBLOCK2_OFFSET,
)
from ..inodes.inode import INODE_BASE
from ..inodes.inode_table import FILESET
from ..nodes.directory_node import ROOT_BYTES, ROOT_SLOTS, SLOT
from ..nodes.extent_node import FIRST_ENTRY, ROOT_OFFSET, XAD_EXTENDED, XAD_NEW, ExtentNodeCodec
from ..volume import Volume
from .free_lists import FreeListBuilder
from .map_events import MapEvents
from .records import LoggedExtent, LogRecord, Range

_UNIT = 16
_ROOT_SLOTS = {DTREE: (SLOT, ROOT_SLOTS), XTREE: (16, 18)}
_DIR_TABLE_OFFSET, _DIR_TABLE_SLOTS = 128, 6


def _units(start: int, end: int) -> int:
    """A bit for each unit between two byte offsets of a page."""
    return (1 << end // _UNIT) - (1 << start // _UNIT)


_TREE_HEADERS = sum(_units(at, at + 32) for at in range(ROOT_OFFSET, PAGE, INODE_SIZE))
"""Headers of the roots in a page of inodes: a record of inodes may repeat them, records of roots decide."""


@dataclass
class _Image:
    """What is known of one page.

    Attributes:
        size: bytes of the page.
        kind: INODE, XTREE, DTREE or TABLE; None while nothing but its end is known.
        decided: a bit for each unit.
        limits: by byte offset of an extent tree node, how many entries it has.
        pieces: (byte offset, bytes) to put into the page; no two overlap.
        lists: byte offsets of directory nodes whose free list is to be made anew.
    """

    size: int
    kind: int | None = None
    decided: int = 0
    limits: dict[int, int] = field(default_factory=dict)
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    lists: set[int] = field(default_factory=set)

    def put(self, at: int, data: bytes, skip: int = 0) -> None:
        """Take bytes over where nothing is decided yet."""
        wanted = _units(at, at + len(data))
        if not wanted & (self.decided | skip):
            self.pieces.append((at, data))
        else:
            for unit in range(at // _UNIT, (at + len(data)) // _UNIT):
                if not (self.decided | skip) >> unit & 1:
                    start = unit * _UNIT - at
                    self.pieces.append((unit * _UNIT, data[start : start + _UNIT]))
        self.decided |= wanted & ~skip


class PageImages:
    """Everything that a log says of pages.

    Args:
        volume: the file system.
        events: receives what the same records say of the maps.
    """

    def __init__(self, volume: Volume, events: MapEvents) -> None:
        self._volume = volume
        self._events = events
        self._images: dict[int, _Image] = {}
        self._deleted: set[tuple[int, int]] = set()
        s = volume.dialect.structures
        order = volume.dialect.order
        self._inode_slot = volume.dialect.inode_form.log_slot
        self._extent_nodes = ExtentNodeCodec(volume.dialect)
        self._number = volume.dialect.inode_number, s.inode.offset_of("di_number")
        self._fileset = struct.Struct(order + "I"), s.inode.offset_of("di_fileset")
        self._links = struct.Struct(order + "I"), s.inode.offset_of("di_nlink")
        self._extent_at = s.inode.offset_of("di_ixpxd")
        self._inode_blocks = volume.blocks_per_page * INODES_PER_EXTENT // INODES_PER_PAGE

    @property
    def count(self) -> int:
        """Pages that get new content."""
        return sum(bool(image.pieces) for image in self._images.values())

    def redo(self, record: LogRecord) -> None:
        """Take a REDOPAGE record over.

        Raises:
            CorruptImage: it makes no sense.
            UnsupportedFeature: it is of a kind whose data are not described anywhere.
        """
        subtype = record.part["subtype"]
        kind, base, slot, slots, size = self._object(record)
        expected = slot.bit_length() - 1
        if record.part["l2linesize"] != expected:
            raise record.corrupt("l2linesize", expected, record.part["l2linesize"])
        ranges = record.ranges(slot)
        for r in ranges:
            if r.first + r.slots > slots:
                raise record.corrupt("length", f"ranges of at most {slots} slots", f"({r.first},{r.slots})")
        image = self._image(record, size, INODE if subtype & BTROOT else kind)
        if kind == XTREE:
            self._redo_extents(record, image, base, ranges)
            return
        if kind == DTREE and subtype & (NEW | EXTEND) and not subtype & BTROOT:
            self._events.blocks(record.part["pxd"], True)
        if image is None:
            if kind == INODE:
                self._inodes(record, None, ranges)
            return
        if kind == INODE:
            self._inodes(record, image, ranges)
            return
        if kind == DTREE and subtype & (NEW | EXTEND) and _units(base, base + slots * slot) & ~image.decided:
            image.lists.add(base)
        for r in reversed(ranges):
            image.put(base + r.first * slot, r.data)

    def give_up(self, record: LogRecord) -> None:
        """Forget what older records say of the object of a NOREDOPAGE or NOREDOFREE record."""
        kind, base, slot, slots, size = self._object(record)
        pxd: LoggedExtent = record.part["pxd"]
        image = self._images.setdefault(pxd.address, _Image(size))
        if record.part["subtype"] & BTROOT:
            image.decided |= _units(base, base + slots * slot)
            return
        image.decided |= _units(0, PAGE)
        if kind == DTREE or record.kind == "NOREDOFREE":
            self._events.blocks(pxd, False)

    def give_up_inodes(self, inodes: LoggedExtent) -> None:
        """Forget what older records say of the pages of an inode extent."""
        bpp = self._volume.blocks_per_page
        for address in range(inodes.address, inodes.address + inodes.length, bpp):
            self._images.setdefault(address, _Image(PAGE)).decided |= _units(0, PAGE)

    def give_up_file(self, fileset: int, inode: int) -> None:
        """Forget what older records say of a file's trees."""
        self._deleted.add((fileset, inode))

    def write(self, device: BlockDevice) -> None:
        """Put all new content into the pages of a device.

        Raises:
            CorruptImage: a directory page makes no sense with it.
        """
        block = self._volume.block_size
        lists = FreeListBuilder(self._volume)
        for address, image in sorted(self._images.items()):
            if not image.pieces:
                continue
            page = device.read(address * block, image.size)
            for at, data in image.pieces:
                page[at : at + len(data)] = np.frombuffer(data, np.uint8)
            for base in image.lists:
                at = address * block + base
                if image.kind == DTREE:
                    lists.page(page, at)
                else:
                    lists.root(page[base : base + ROOT_BYTES], at)
            device.write(address * block, page)

    def _object(self, record: LogRecord) -> tuple[int, int, int, int, int]:
        """What a record is about: kind, byte offset in its page, bytes of a slot, slots, bytes of the page."""
        subtype = record.part["subtype"]
        form = self._volume.dialect.log_form
        kind = form.page_kinds.get(subtype & ~form.page_flags)
        if kind is None:
            raise UnsupportedFeature(f"a log record of kind {subtype:#x}", where=self._volume.where)
        pxd: LoggedExtent = record.part["pxd"]
        self._check_page(record, pxd)
        size = pxd.length * self._volume.block_size
        if size != PAGE and not (kind == DTREE and not subtype & BTROOT and size in (512, 1024, 2048)):
            raise record.corrupt("pxd", f"a page of {PAGE} bytes", f"{size} bytes")
        if not subtype & BTROOT:
            slot = self._inode_slot if kind == INODE else SLOT if kind == DTREE else 16
            return kind, 0, slot, size // slot, size
        inode = record.part["inode"] % INODES_PER_PAGE * INODE_SIZE
        if kind not in _ROOT_SLOTS:
            raise record.corrupt("subtype", "a tree with BTROOT", hex(subtype))
        slot, slots = _ROOT_SLOTS[kind]
        if subtype & DIR_XTREE:
            return kind, inode + _DIR_TABLE_OFFSET, slot, _DIR_TABLE_SLOTS, size
        return kind, inode + ROOT_OFFSET, slot, slots, size

    def _check_page(self, record: LogRecord, pxd: LoggedExtent) -> None:
        """A page of metadata lies inside the file system, and is none of the superblocks."""
        volume = self._volume
        start, end = pxd.address * volume.block_size, (pxd.address + pxd.length) * volume.block_size
        inside = pxd.length > 0 and start >= AIM_OFFSET and pxd.address + pxd.length <= volume.blocks
        if not inside or (start < BLOCK_MAP_OFFSET and end > SUPERBLOCK2_OFFSET):
            raise record.corrupt("pxd", "a page inside the file system", f"{pxd.length}@{pxd.address}")

    def _image(self, record: LogRecord, size: int, kind: int) -> _Image | None:
        """The page of a record, or None if newer records have made something else of it."""
        if kind != INODE and (record.part["fileset"], record.part["inode"]) in self._deleted:
            return None
        image = self._images.setdefault(record.part["pxd"].address, _Image(size, kind))
        image.kind = image.kind or kind
        return image if image.kind == kind and size <= image.size else None

    def _redo_extents(self, record: LogRecord, image: _Image | None, base: int, ranges: list[Range]) -> None:
        """Entries of an extent tree node: their blocks are in use, and only as many count as the node has."""
        entries = None
        for r in ranges:
            if r.first == 0 and r.slots >= FIRST_ENTRY:
                entries = self._extent_nodes.entry_count(r.data)
                if not FIRST_ENTRY <= entries <= PAGE // 16:
                    raise record.corrupt("nextindex", f"{FIRST_ENTRY} to {PAGE // 16}", entries)
        if image is not None and entries is not None and not image.decided & _units(base, base + 16):
            image.limits[base] = entries
        for r in reversed(ranges):
            data = bytearray(r.data)
            for index, (_, length, address, flag) in enumerate(
                self._extent_nodes.entries(data, 0, 0, r.slots), r.first
            ):
                if index >= FIRST_ENTRY and flag & (XAD_NEW | XAD_EXTENDED):
                    self._extent_nodes.clear_flags(data, index - r.first, XAD_NEW | XAD_EXTENDED)
                    if entries is None or index < entries:
                        self._events.blocks(LoggedExtent(address, length), True)
            if image is not None:
                count = min(r.slots, image.limits.get(base, PAGE // 16) - r.first)
                if count > 0:
                    image.put(base + r.first * 16, bytes(data[: count * 16]))

    def _inodes(self, record: LogRecord, image: _Image | None, ranges: list[Range]) -> None:
        """Ranges of a page of inodes; `image` is None for a page that has become something else."""
        slot = self._inode_slot
        deleted = 0
        for r in reversed(ranges):
            start, end = r.first * slot, (r.first + r.slots) * slot
            if image is not None:
                image.put(start, r.data, skip=_TREE_HEADERS)
            for j in range(-(-start // INODE_SIZE), (end - INODE_BASE) // INODE_SIZE + 1):
                base = r.data[j * INODE_SIZE - start : j * INODE_SIZE - start + INODE_BASE]
                if self._base(record, j, base):
                    deleted |= _units(j * INODE_SIZE, (j + 1) * INODE_SIZE)
        if image is not None:
            image.decided |= deleted

    def _base(self, record: LogRecord, j: int, base: bytes) -> bool:
        """What the base of inode `j` of a page says of the inode maps, and whether it is that of a deleted inode."""
        number, fileset, links = (
            int(unpack.unpack_from(base, at)[0]) for unpack, at in (self._number, self._fileset, self._links)
        )
        if links == 0:
            self.give_up_file(fileset, number)
        if fileset != FILESET:
            return links == 0  # inodes of the aggregate come and go by AIMAP records
        page: LoggedExtent = record.part["pxd"]
        inodes = LoggedExtent(*self._extent_nodes.get_pxd(base, self._extent_at))
        first = (page.address - inodes.address) // self._volume.blocks_per_page * INODES_PER_PAGE
        if inodes.length != self._inode_blocks or not 0 <= first < INODES_PER_EXTENT:
            raise record.corrupt("di_ixpxd", f"an inode extent with block {page.address}", inodes)
        if number % INODES_PER_EXTENT != first + j:
            raise record.corrupt("di_number", f"inode {first + j} of an extent", number)
        self._events.inode(number, links > 0, inodes)
        return links == 0
